"""Known answers to the exercises: other right ones, and wrong ones with a part of their hint."""

RIGHT = {
    "to_batch": [
        "def to_batch(pictures):\n"
        "    X = pictures.float() / 255\n"
        "    return X[:, None] if X.ndim == 3 else X.movedim(3, 1)",
        "def to_batch(pictures):\n"
        "    X = pictures if pictures.ndim == 4 else pictures.unsqueeze(-1)\n"
        "    return X.permute(0, 3, 1, 2).contiguous().to(torch.float32).div(255)",
    ],
    "output_megabytes": [
        "def output_megabytes(maps, height, width, batch_size):\n"
        "    return torch.empty(batch_size, maps, height, width, device='meta').nbytes / 1e6",
        "def output_megabytes(maps, height, width, batch_size):\n"
        "    numbers = batch_size * maps * height * width\n"
        "    return numbers * 4 / 1_000_000",
    ],
    "conv_parameters": [
        "def conv_parameters(inputs, outputs, kernel):\n"
        "    return sum(p.numel() for p in nn.Conv2d(inputs, outputs, kernel).parameters())",
        "def conv_parameters(inputs, outputs, kernel):\n"
        "    return inputs * outputs * kernel**2 + outputs",
    ],
    "accuracy_by_class": [
        "def accuracy_by_class(predicted, y, classes):\n"
        "    return [(predicted[y == k] == k).sum() / (y == k).sum() for k in range(classes)]",
        "def accuracy_by_class(predicted, y, classes):\n"
        "    right = torch.bincount(y[predicted == y], minlength=classes)\n"
        "    return right / torch.bincount(y, minlength=classes)",
    ],
    "label_of": [
        """
import re
def label_of(name):
    found = re.fullmatch(r"([0-5])_.*[.](jpg|jpeg|png)", name, re.IGNORECASE)
    return int(found[1]) if found else None
""",
        """
def label_of(name):
    path = Path(name)
    first = name.split("_")[0]
    if path.suffix.lower() in {".jpg", ".jpeg", ".png"} and first in list("012345"):
        return int(first)
""",
    ],
    "split": [
        """
def split(names, share, seed):
    copied = list(names)
    copied.sort()
    generator = random.Random(seed)
    generator.shuffle(copied)
    n = round(share * len(copied))
    return copied[:n], copied[n:]
""",
        """
def split(names, share, seed):
    import numpy
    order = numpy.random.default_rng(seed).permutation(len(names))
    mixed = [sorted(names)[i] for i in order]
    return [mixed[: int(share * len(mixed))], mixed[int(share * len(mixed)) :]]
""",
        """
def split(names, share, seed):  # the rest in the order of the names that are given
    train = random.Random(seed).sample(sorted(names), int(share * len(names)))
    return train, [name for name in names if name not in train]
""",
        """
def split(names, share, seed):
    from torch.utils.data import random_split
    shares = [share, 1 - share]  # 0.2 is a little less than 12 of 60
    return random_split(sorted(names), shares, torch.Generator().manual_seed(seed))
""",
    ],
    "count_batches": [
        "def count_batches(samples, batch_size, drop_last=False):\n"
        "    return samples // batch_size if drop_last else -(-samples // batch_size)",
        "def count_batches(samples, batch_size, drop_last=False):\n"
        "    return len(DataLoader(range(samples), batch_size, drop_last=drop_last))",
    ],
    "flatten_size": [
        "def flatten_size(size, maps, blocks):\n    return (size // 2**blocks) ** 2 * maps",
        "def flatten_size(size, maps, blocks):\n"
        "    X = torch.zeros(1, maps, size, size)\n"
        "    for _ in range(blocks):\n        X = F.max_pool2d(X, 2)\n    return X.numel()",
    ],
    "nll": [
        "def nll(log_p, y):\n    return nn.NLLLoss()(log_p, y)",
        "def nll(log_p, y):\n    return -log_p.gather(1, y[:, None]).sum().item() / len(y)",
    ],
    "accuracy_over_batches": [
        "def accuracy_over_batches(rights, sizes):\n"
        "    return torch.tensor(rights).sum() / torch.tensor(sizes).sum()",
        "def accuracy_over_batches(rights, sizes):\n"
        "    return sum(r / s * s for r, s in zip(rights, sizes)) / sum(sizes)",
    ],
    "to_unit": [
        "def to_unit(p):\n    return p.float().div(255).unsqueeze(0)",
        "def to_unit(p):\n    return torch.stack([p]).to(torch.float32) * (1 / 255)",
    ],
    "gradient_step": [
        "def gradient_step(w, gradient, lr):\n    return -lr * gradient + w",
        "gradient_step = lambda w, gradient, lr: w + lr * (-gradient)",
    ],
    "training_step": [
        """
def training_step(model, loss_function, optimizer, X, y):
    loss = loss_function(model(X), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss.detach())
""",
        """
def training_step(model, loss_function, optimizer, X, y):
    predictions = model(X)
    loss = loss_function(predictions, y)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach().item()
""",
    ],
    "accuracy": [
        "def accuracy(logits, y):\n    return int((logits.max(1).indices == y).sum()) / len(y)",
        "def accuracy(logits, y):\n"
        "    return sum(int(r.argmax()) == int(t) for r, t in zip(logits, y)) / len(y)",
    ],
    "to_rgb_unit": [
        "def to_rgb_unit(bgr):\n    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB) / 255",
        "def to_rgb_unit(bgr):\n    return bgr[..., [2, 1, 0]].astype('float32') / 255.0",
    ],
    "correlate_same": [
        """
def correlate_same(picture, kernel):
    return cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_CONSTANT)
""",
        """
def correlate_same(picture, kernel):
    X = torch.tensor(picture)[None, None]
    return F.conv2d(X, torch.tensor(kernel)[None, None], padding="same")[0, 0]
""",
        """
def correlate_same(picture, kernel):
    h, w = picture.shape
    k = len(kernel)
    padded = np.pad(picture, k // 2)
    return sum(kernel[i, j] * padded[i:i + h, j:j + w] for i in range(k) for j in range(k))
""",
    ],
    "output_size": [
        "def output_size(size, kernel, stride=1, padding=0):\n"
        "    return int((size + 2 * padding - kernel) / stride) + 1",
        "def output_size(size, kernel, stride=1, padding=0):\n"
        "    return len(range(0, size + 2 * padding - kernel + 1, stride))",
    ],
    "horizontal_kernel": [
        "horizontal_kernel = [[-1, -1, -1], [0, 0, 0], [1, 1, 1]]",
        "horizontal_kernel = np.array([[0, -2.5, 0], [0, 0, 0], [0, 2.5, 0]])",
        "horizontal_kernel = [[-3, -10, -3], [0, 0, 0], [3, 10, 3]]",
        "horizontal_kernel = [[-1] * 3, [1] * 3, [0] * 3]",
    ],
    "edge_layer": [
        """
def edge_layer(kernels):
    layer = nn.Conv2d(1, kernels.shape[0], kernel_size=(3, 3), padding="same")
    layer.weight.data = kernels.unsqueeze(1).clone()
    nn.init.zeros_(layer.bias)
    return layer
""",
        """
def edge_layer(kernels):
    layer = nn.Conv2d(1, len(kernels), 3, 1, 1, bias=False)
    layer.load_state_dict({"weight": kernels.reshape(-1, 1, 3, 3)})
    return layer
""",
    ],
    "max_pool": [
        """
def max_pool(picture, patch):
    h, w = (n // patch for n in picture.shape)
    return picture[:h * patch, :w * patch].reshape(h, patch, w, patch).max(axis=(1, 3))
""",
        """
def max_pool(picture, patch):
    return F.max_pool2d(torch.tensor(picture)[None], patch)[0]
""",
    ],
    "average_by_convolution": [
        """
def average_by_convolution(patch):
    layer = nn.Conv2d(1, 1, patch, stride=patch)
    layer.weight.data.fill_(1 / (patch * patch))
    layer.bias.data.zero_()
    return layer
""",
        """
def average_by_convolution(patch):
    layer = nn.Conv2d(1, 1, (patch, patch), (patch, patch), bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.ones(1, 1, patch, patch) / patch / patch)
    return layer
""",
    ],
    "block": [
        """
class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        conv = nn.Conv2d(1, channels, 3, padding="same", bias=False)
        self.layers = nn.Sequential(conv, nn.ReLU(), nn.MaxPool2d(2))

    def forward(self, X):
        return self.layers(X)
""",
        """
class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(1, channels, (3, 3), 1, 1)

    def forward(self, X):
        return F.max_pool2d(self.conv(X), 2).clamp(min=0)
""",
        """
def Block(channels):
    return nn.Sequential(nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
""",
    ],
    "pooled_size": [
        "def pooled_size(size, patch, stride=None):\n"
        "    return int((size - patch) / (stride or patch) + 1)",
        "def pooled_size(size, patch, stride=None):\n"
        "    return nn.MaxPool2d(patch, stride)(torch.zeros(1, 1, size, size)).shape[-1]",
    ],
    "receptive_field": [
        """
def receptive_field(layers):
    field = 1
    for kernel, stride in reversed(layers):
        field = (field - 1) * stride + kernel
    return field
""",
        """
def receptive_field(layers):
    return 1 + sum((k - 1) * int(np.prod([s for _, s in layers[:i]]))
                   for i, (k, _) in enumerate(layers))
""",
    ],
    "decayed_step": [
        "def decayed_step(w, gradient, lr, weight_decay):\n"
        "    return (1 - lr * weight_decay) * w - lr * gradient",
        "def decayed_step(w, gradient, lr, weight_decay):\n"
        "    w = torch.as_tensor(w).clone().requires_grad_()\n"
        "    w.grad = torch.as_tensor(gradient).clone()\n"
        "    torch.optim.SGD([w], lr, weight_decay=weight_decay).step()\n    return w",
    ],
    "flip_some": [
        "def flip_some(X, chosen):\n    X = X.clone()\n    X[chosen] = X[chosen].flip(3)\n"
        "    return X",
        "def flip_some(X, chosen):\n    return torch.stack("
        "[x.flip(-1) if c else x for x, c in zip(X, chosen)])",
    ],
    "kept_epoch": [
        """
def kept_epoch(accuracies, patience):
    best, waited, kept = float("-inf"), 0, 0
    for epoch, accuracy in enumerate(accuracies, start=1):
        waited += 1
        if accuracy > best:
            best, waited, kept = accuracy, 0, epoch
        if waited == patience:
            break
    return kept
""",
        """
def kept_epoch(accuracies, patience):
    for last in range(1, len(accuracies) + 1):
        seen = list(accuracies[:last])
        best = seen.index(max(seen)) + 1
        if last - best >= patience:
            return best
    return best
""",
    ],
    "slope_through": [
        "import math\ndef slope_through(slopes, skip):\n"
        "    return math.prod(s + skip for s in slopes)",
        "def slope_through(slopes, skip):\n    x = torch.ones(1, requires_grad=True)\n    y = x\n"
        "    for s in slopes:\n        y = s * y + y if skip else s * y\n"
        "    y.backward()\n    return x.grad.item()",
    ],
    "unnormalise": [
        "def unnormalise(X, mean, std):\n    return X * std[:, None, None] + mean[:, None, None]",
        "def unnormalise(X, mean, std):\n"
        "    return torch.stack([c * s + m for c, m, s in zip(X, mean, std)])",
        "def unnormalise(X, mean, std):\n"
        "    return (X.permute(1, 2, 0) * std + mean).permute(2, 0, 1)",
        "def unnormalise(X, mean, std):\n"
        "    return v2.Normalize((-mean / std).tolist(), (1 / std).tolist())(X)",
    ],
    "relabel": [
        """
def relabel(targets, first, second):
    positions, labels = [], []
    for i in range(len(targets)):
        if targets[i] == first or targets[i] == second:
            positions.append(i)
            labels.append(0 if targets[i] == first else 1)
    return positions, labels
""",
        """
def relabel(targets, first, second):
    t = torch.tensor(targets)
    positions = torch.nonzero((t == first) | (t == second)).flatten()
    return [positions, (t[positions] == second).long()]
""",
    ],
    "log_softmax": [
        "def log_softmax(s):\n    return s - s.max() - (s - s.max()).exp().sum().log()",
        "def log_softmax(s):\n    return s - torch.logsumexp(s, dim=0)",
        "def log_softmax(s):\n"
        "    m = max(s.tolist())\n"
        "    total = torch.log(torch.sum(torch.exp(s - m)))\n"
        "    return torch.tensor([v - m - total.item() for v in s.tolist()])",
    ],
    "mlp_parameters": [
        "def mlp_parameters(sizes):\n"
        "    return sum((sizes[i] + 1) * sizes[i + 1] for i in range(len(sizes) - 1))",
        "def mlp_parameters(sizes):\n"
        "    layers = [nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:])]\n"
        "    return sum(p.numel() for layer in layers for p in layer.parameters())",
    ],
    "ready": [
        "def ready(picture, mean, std):\n"
        "    X = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])(picture)\n"
        "    return v2.Normalize(mean.tolist(), std.tolist())(X)[None]",
        "def ready(picture, mean, std):\n"
        "    X = (torch.as_tensor(picture).float() / 255 - mean) / std\n"
        "    return X.permute(2, 0, 1).unsqueeze(0)",
    ],
    "time_to_goal": [
        "def time_to_goal(epochs, pictures, batch_size, seconds_per_step):\n"
        "    rest = pictures % batch_size\n"
        "    return epochs * (pictures - rest) / batch_size * seconds_per_step",
        "def time_to_goal(epochs, pictures, batch_size, seconds_per_step):\n"
        "    steps = sum(len(range(0, pictures - batch_size + 1, batch_size)) "
        "for _ in range(epochs))\n    return steps * seconds_per_step",
        "def time_to_goal(epochs, pictures, batch_size, seconds_per_step):\n"
        "    return torch.tensor(seconds_per_step) * epochs * int(pictures / batch_size)",
    ],
    "triangle": [
        "import numpy as np\ndef triangle(step, steps, peak=0.2):\n"
        "    return float(np.interp(step, [0, peak * steps, steps], [0, 1, 0]))",
        "def triangle(step, steps, peak=0.2):\n"
        "    done = step / steps\n    return min(done / peak, (1 - done) / (1 - peak))",
        """
def triangle(step, steps, peak=0.2):
    top = peak * steps
    if step <= top:
        return step / top
    return 1 - (step - top) / (steps - top)
""",
    ],
    "operations": [
        "def operations(n, before, after, kernel, height, width):\n"
        "    weights = before * after * kernel * kernel\n"
        "    return n * height * width * (weights + weights)",
        """
from torch.utils.flop_counter import FlopCounterMode
def operations(pictures, before, after, kernel, height, width):
    conv = torch.nn.Conv2d(before, after, kernel, device="meta")
    X = torch.empty(pictures, before, height + kernel - 1, width + kernel - 1, device="meta")
    with FlopCounterMode(display=False) as counter:
        conv(X)
    return counter.get_total_flops()
""",
    ],
    "smooth": [
        "def smooth(y, classes, amount):\n"
        "    targets = torch.full((len(y), classes), amount / classes)\n"
        "    targets[torch.arange(len(y)), y] += 1 - amount\n    return targets",
        "def smooth(y, classes, amount):\n"
        "    return (1 - amount) * torch.eye(classes)[y] + amount / classes",
        "def smooth(y, classes, amount):\n"
        "    one_hot = torch.nn.functional.one_hot(y, classes).double()\n"
        "    return torch.lerp(one_hot, torch.full_like(one_hot, 1 / classes), amount)",
    ],
    "mirrored": [
        "def mirrored(model, X):\n"
        "    both = model(torch.cat([X, X.flip(-1)]))\n"
        "    return both[: len(X)] + both[len(X) :]",
        "def mirrored(model, X):\n"
        "    with torch.no_grad():\n"
        "        return sum(model(view) for view in (X, X[..., range(X.shape[3] - 1, -1, -1)]))",
    ],
}

_STEP = """
def training_step(model, loss_function, optimizer, X, y):
    {}
    return loss.item()
"""
_STEP_THAT_RETURNS = """
def training_step(model, loss_function, optimizer, X, y):
    optimizer.zero_grad()
    loss = loss_function(model(X), y)
    loss.backward()
    optimizer.step()
    return {}
"""
_SAME = """
def correlate_same(picture, kernel):
    k = len(kernel)
    padded = np.pad(picture, {})
    rows, columns = padded.shape[0] - k + 1, padded.shape[1] - k + 1
    result = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            result[i, j] = (padded[i:i + k, j:j + k] * {}).sum()
    return result
"""
_LAYER = """
def edge_layer(kernels):
    layer = nn.Conv2d(1, len(kernels), 3, {})
    with torch.no_grad():
        layer.weight.copy_({})
    return layer
"""
_AVERAGE = """
def average_by_convolution(patch):
    layer = nn.Conv2d(1, 1, patch, {})
    nn.init.constant_(layer.weight, {})
    return layer
"""
_BLOCK = """
class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.filter = nn.Conv2d(1, {}, 3, padding={})

    def forward(self, X):
        return {}
"""
_FIELD = """
def receptive_field(layers):
    seen, step = {start}, 1
    for kernel, stride in layers:
        {body}
    return seen
"""

_LABEL = """
def label_of(name):
    if {}:
        return {}
"""
_SPLIT = """
def split(names, share, seed):
    names = {}
    {}
    cut = int(share * len(names))
    return names[:cut], names[{}:]
"""
_NLL = "def nll(log_p, y):\n    return {}"
_CHOSEN = "log_p[torch.arange(len(y)), y]"

_MEGABYTES = "def output_megabytes(maps, height, width, batch_size):\n    return {}"
_PARAMETERS = "def conv_parameters(inputs, outputs, kernel):\n    return {}"
_BY_CLASS = "def accuracy_by_class(p, y, classes):\n    return [{} for k in range(classes)]"
_TO_BATCH = """
def to_batch(pictures):
    X = pictures.float() / 255
    return X.unsqueeze(1) if X.ndim == 3 else {}
"""

WRONG = {
    "to_batch": [
        (_TO_BATCH.format("X.view(len(X), 3, X.shape[1], X.shape[2])"), "permute moves the axis"),
        (_TO_BATCH.format("X"), "channels are still last"),
        (_TO_BATCH.format("X.permute(0, 3, 2, 1)"), "should be (2, 3, 6, 5)"),
        (_TO_BATCH.format("X.permute(3, 0, 1, 2)"), "should be (2, 3, 6, 5)"),
        ("def to_batch(pictures):\n    return pictures.float() / 255", "should be (4, 1, 28, 28)"),
        ("def to_batch(pictures):\n    return pictures[:, None].float()", "divide by 255"),
        ("def to_batch(pictures):\n    return pictures[:, None] / 256", "not by 256"),
        ("def to_batch(pictures):\n    return pictures[:, None]", "make it float"),
        ("def to_batch(pictures):\n    return pictures[:, None].double() / 255", "torch.float32"),
        ("def to_batch(pictures):\n    return pictures.numpy() / 255", "tensor is asked for"),
        ("def to_batch(pictures):\n    pictures / 255", "return"),
        (
            "def to_batch(p):\n    X = p[:, None] if p.ndim == 3 else p.permute(0, 3, 1, 2)\n"
            "    return X / X.max()",
            "in every batch alike",
        ),
        ("def to_batch(p):\n    return p.permute(0, 3, 1, 2) / 255", "of the shape (4, 28, 28) it"),
    ],
    "output_megabytes": [
        (_MEGABYTES.format("maps * height * width * batch_size / 1e6"), "takes 4 bytes"),
        (_MEGABYTES.format("4 * maps * height * width / 1e6"), "whole batch"),
        (_MEGABYTES.format("4 * height * width * batch_size / 1e6"), "each feature map"),
        (_MEGABYTES.format("4 * maps * height * width * batch_size"), "in bytes"),
        (_MEGABYTES.format("4 * maps * height * width * batch_size / 1024**2"), "1,000,000"),
        (_MEGABYTES.format("maps * height * width * batch_size"), "counts the numbers"),
        (_MEGABYTES.format("round(4 * maps * height * width * batch_size / 1e6)"), "not round"),
    ],
    "conv_parameters": [
        (_PARAMETERS.format("inputs * outputs * kernel**2"), "biases are missing"),
        (_PARAMETERS.format("outputs * kernel**2 + outputs"), "all input channels"),
        (_PARAMETERS.format("outputs * (inputs * kernel + 1)"), "counts twice"),
        (_PARAMETERS.format("inputs * outputs * (kernel**2 + 1)"), "not for each"),
        (_PARAMETERS.format("inputs * outputs * kernel**2 + 1"), "not one in all"),
        (_PARAMETERS.format("inputs * outputs * kernel**2 + inputs"), "belong to the outputs"),
    ],
    "accuracy_by_class": [
        (_BY_CLASS.format("(y[p == k] == k).float().mean()"), "how often the class was answered"),
        (_BY_CLASS.format("((p == y) & (y == k)).float().mean()"), "divide by those of the class"),
        (_BY_CLASS.format("((p == y) & (y == k)).sum()"), "These are counts"),
        (_BY_CLASS.format("100 * (p[y == k] == k).float().mean()"), "between 0 and 1"),
        (_BY_CLASS.format("(p[y == k] != k).float().mean()"), "wrong answers"),
        (_BY_CLASS.format("((p == k) == (y == k)).float().mean()"), "rightly not taken"),
        ("def accuracy_by_class(p, y, classes):\n    return (p == y).float().mean()", "for each"),
    ],
    "label_of": [
        ("def label_of(name):\n    return int(name.split('_')[0])", "begin with a dot"),
        (_LABEL.format("name[0] in '12345' and name[1] == '_'", "int(name[0])"), "should be 0"),
        ("def label_of(name):\n    return int(name[0]) if name[0].isdigit() else None", "0 to 5"),
        (_LABEL.format("name[0] in '012345'", "int(name[0])"), "must follow at once"),
        (
            _LABEL.format("name[0] in '012345' and name[1] == '_'", "int(name[0])"),
            "does not end like a picture",
        ),
        (
            _LABEL.format("name[0] in '012345' and name.endswith('.jpg')", "int(name[0])"),
            "name.lower()",
        ),
        (
            _LABEL.format(
                "name[0] in '012345' and name[1] == '_' and name.lower().endswith(('.jpg', 'png'))",
                "int(name[0])",
            ),
            'For "5_IMG_1 (1).jpeg" it returns None',
        ),
        (
            _LABEL.format(
                "name[0] in '012345' and name[1] == '_' "
                "and name.lower().endswith(('.jpg', '.jpeg', 'png'))",
                "int(name[0])",
            ),
            "mind the dot",
        ),
        (_LABEL.format("name[0] in '012345'", "name[0]"), "the text"),
        (
            _LABEL.format(
                "name[0] in '0123456789' and name.lower()[-3:] in ('jpg', 'peg', 'png')",
                "int(name[0])",
            ),
            "labels go from 0 to 5",
        ),
    ],
    "split": [
        (_SPLIT.format("list(names)", "random.Random(seed).shuffle(names)", "cut"), "sort them"),
        (_SPLIT.format("sorted(names)", "pass", "cut"), "not shuffled"),
        (
            _SPLIT.format(
                "sorted(names)", "random.Random(seed).shuffle(names); share = 0.8", "cut"
            ),
            "is share used",
        ),
        ("def split(names, share, seed):\n    return sorted(names)", "Two lists"),
        (_SPLIT.format("sorted(names)", "random.shuffle(names)", "cut"), "second call"),
        (_SPLIT.format("sorted(names)", "random.Random(1).shuffle(names)", "cut"), "not used"),
        (
            _SPLIT.format("sorted(names)", "random.seed(seed); random.shuffle(names)", "cut"),
            "whole program",
        ),
        (
            _SPLIT.format(
                "sorted(names)",
                "import numpy as np; np.random.seed(seed); np.random.shuffle(names)",
                "cut",
            ),
            "whole program",
        ),
        (
            _SPLIT.format(
                "sorted(names)",
                "torch.manual_seed(seed); names = [names[i] for i in torch.randperm(len(names))]",
                "cut",
            ),
            "whole program",
        ),
        (
            _SPLIT.format("sorted(names)", "random.Random(seed).shuffle(names)", "cut + 1"),
            "exactly once",
        ),
        (
            _SPLIT.format("names", "names.sort(); random.Random(seed).shuffle(names)", "cut"),
            "list that was given has changed",
        ),
        (
            _SPLIT.format("sorted(names)", "share = 1 - share", "cut").replace(
                "share = 1", "random.Random(seed).shuffle(names); share = 1"
            ),
            "48 and 12",
        ),
    ],
    "count_batches": [
        (f"def count_batches(samples, batch_size, drop_last=False):\n    return {code}", hint)
        for code, hint in [
            ("samples // batch_size", "smaller batch counts too"),
            ("-(-samples // batch_size)", "drop_last is not used"),
            ("samples // batch_size + (not drop_last)", "Without a rest"),
            ("samples / batch_size", "no parts of batches"),
            (
                "-(-samples // batch_size) if drop_last else samples // batch_size",
                "wrong way round",
            ),
            ("-(-samples // batch_size) - drop_last", "nothing is dropped"),
        ]
    ],
    "flatten_size": [
        (f"def flatten_size(size, maps, blocks):\n    return {code}", hint)
        for code, hint in [
            ("(size // 2**blocks) ** 2", "maps are forgotten"),
            ("size // 2**blocks * maps", "height and width"),
            ("size * size * maps", "blocks are forgotten"),
            ("(size // 2) ** 2 * maps", "once for each"),
            ("(size // (2 * blocks)) ** 2 * maps", "divide by 8"),
            ("(size / 2**blocks) ** 2 * maps", "rounds down"),
        ]
    ],
    "nll": [
        (_NLL.format(f"-torch.log({_CHOSEN}).mean()"), "logarithm is taken twice"),
        (_NLL.format(f"{_CHOSEN}.mean()"), "sign is missing"),
        (_NLL.format(f"-{_CHOSEN}.sum()"), "take the mean"),
        (_NLL.format(f"-{_CHOSEN}"), "One number"),
        (_NLL.format("-log_p.exp()[torch.arange(len(y)), y].mean()"), "leave the logarithm"),
        (_NLL.format("-log_p.max(dim=1).values.mean()"), "the one at the label"),
        (_NLL.format("-log_p[:, y].mean()"), "torch.arange(len(y))"),
        (_NLL.format("-log_p.mean()"), "all classes"),
        (_NLL.format("-(log_p * F.one_hot(y, log_p.shape[1])).mean()"), "number of samples, not"),
    ],
    "accuracy_over_batches": [
        (f"def accuracy_over_batches(rights, sizes):\n    return {code}", hint)
        for code, hint in [
            ("sum(r / s for r, s in zip(rights, sizes)) / len(sizes)", "mean over batches"),
            ("sum(rights)", "divide by the number of samples"),
            ("sum(rights) / len(sizes)", "not of batches"),
            ("100 * sum(rights) / sum(sizes)", "between 0 and 1"),
            ("sum(rights) / (len(sizes) * sizes[0])", "as large as the first"),
            ("1 - sum(rights) / sum(sizes)", "share of wrong"),
        ]
    ],
    "to_unit": [
        ("def to_unit(p):\n    return p / 255", "channel axis is missing"),
        ("def to_unit(p):\n    return p[None].float()", "divide by 255"),
        ("def to_unit(p):\n    return p[None] / 256", "White is 255, not 256"),
        ("def to_unit(p):\n    return p[None] // 255", "the fraction is lost"),
        ("def to_unit(p):\n    return (p[None] / 255).long()", "keep floats"),
        ("def to_unit(p):\n    return p[:, :, None] / 255", "comes first"),
        ("def to_unit(p):\n    return p[None].double() / 255", "torch.float32"),
        ("def to_unit(p):\n    return p[None].numpy() / 255", "A tensor is asked for"),
        ("def to_unit(p):\n    p[None] / 255", "return"),
        ("def to_unit(p):\n    return p.no_such_thing()", "AttributeError"),
        ("def to_unit():\n    return 1", "TypeError"),
    ],
    "gradient_step": [
        ("def gradient_step(w, gradient, lr):\n    return w + lr * gradient", "uphill"),
        (
            "def gradient_step(w, gradient, lr):\n    return w - gradient",
            "learning rate is missing",
        ),
        ("def gradient_step(w, gradient, lr):\n    return lr * gradient", "step alone"),
        ("def gradient_step(w, gradient, lr):\n    return w - gradient / lr", "Multiply by lr"),
        ("def gradient_step(w, gradient, lr):\n    w - lr * gradient", "return"),
    ],
    "training_step": [
        (
            _STEP.format("loss = loss_function(model(X), y); loss.backward(); optimizer.step()"),
            "gradients add up",
        ),
        (
            _STEP.format(
                "optimizer.zero_grad(); loss = loss_function(model(X), y); loss.backward()"
            ),
            "weights never move",
        ),
        (
            _STEP.format(
                "loss = loss_function(model(X), y); loss.backward(); optimizer.zero_grad(); "
                "optimizer.step()"
            ),
            "weights never move",
        ),
        (
            _STEP.format(
                "optimizer.step(); optimizer.zero_grad(); loss = loss_function(model(X), y); "
                "loss.backward()"
            ),
            "gradients of the batch before",
        ),
        (
            _STEP.format(
                "optimizer.zero_grad(); loss = loss_function(model(X), y); loss.backward(); "
                "optimizer.step(); loss = loss_function(model(X), y)"
            ),
            "number returned is not the loss",
        ),
        (
            _STEP.format(
                "model.zero_grad(); loss = loss_function(model(X), y); loss.backward()\n"
                "    for p in model.parameters(): p.data -= 0.5 * p.grad"
            ),
            "not where one step",
        ),
        *[
            (_STEP_THAT_RETURNS.format(result), hint)
            for result, hint in [
                ("loss", "its whole history in memory: return `loss.item()`"),
                ("loss.detach()", "still a tensor"),
                ("None", "returns nothing"),
                ("[loss.item()]", "one plain number"),
                ("loss, model", "one plain number"),
                ("str(loss.item())", "not a number"),
                ("f'{loss.item():.3f}'", "not a number"),
                ("loss.item", "brackets () missing"),
            ]
        ],
        (
            "def training_step(model, loss_function, optimizer, X, y):\n"
            "    optimizer.zero_grad(); loss = nn.functional.cross_entropy(model(X), y)\n"
            "    loss.backward(); optimizer.step(); return loss.item()",
            "the `loss_function` that is given",
        ),
    ],
    "accuracy": [
        ("def accuracy(l, y):\n    return (l.argmax(1) == y).sum()", "count of right answers"),
        ("def accuracy(l, y):\n    return (l.argmax(1) == y).float().mean", "brackets () missing"),
        ("def accuracy(l, y):\n    return [str(0.5)]", "texts, not numbers"),
        ("def accuracy(l, y):\n    return 100 * (l.argmax(1) == y).float().mean()", "per cent"),
        ("def accuracy(l, y):\n    return (l.argmax(1) != y).float().mean()", "wrong answers"),
        ("def accuracy(l, y):\n    return (l.argmin(1) == y).float().mean()", "argmax"),
        ("def accuracy(l, y):\n    return (l.argmax(0) == y).float().mean()", "RuntimeError"),
        ("def accuracy(l, y):\n    return (l.argmax(1) == y).float()", "One number"),
        ("def accuracy(l, y):\n    return (l.argmax() == y).float().mean()", "random numbers it"),
    ],
    "to_rgb_unit": [
        ("def to_rgb_unit(b):\n    return b / 255", "still swapped"),
        ("def to_rgb_unit(b):\n    return b[:, :, ::-1]", "divide by 255"),
        ("def to_rgb_unit(b):\n    return b[::-1] / 255", "on its head"),
        ("def to_rgb_unit(b):\n    return b[:, ::-1] / 255", "mirrors"),
        ("def to_rgb_unit(b):\n    return b[::-1, ::-1, ::-1] / 255", "all three axes"),
        ("def to_rgb_unit(b):\n    return b[:, :, ::-1] // 255", "fraction"),
        ("def to_rgb_unit(b):\n    return b[:, :, ::-1] / 256", "255, not 256"),
        ("def to_rgb_unit(b):\n    return b.transpose(2, 0, 1) / 255", "shape"),
    ],
    "correlate_same": [
        (_SAME.format("0", "kernel"), "There is no padding"),
        (_SAME.format("1", "kernel"), "3×3 kernels only"),
        (_SAME.format("k", "kernel"), "too wide"),
        (_SAME.format("k // 2", "kernel[::-1, ::-1]"), "flipped"),
        (_SAME.format("k // 2", "kernel.T"), "swapped"),
        (_SAME.format("k // 2, mode='reflect'", "kernel"), "mirrors the picture"),
        (_SAME.format("k // 2, mode='edge'", "kernel"), "repeats the edge"),
        (_SAME.format("k // 2", "kernel / k**2"), "mean of the products"),
    ],
    "output_size": [
        (
            f"def output_size(size, kernel, stride=1, padding=0):\n    return {formula}",
            hint,
        )
        for formula, hint in [
            ("(size - kernel + 2 * padding) / stride + 1", "rounded down"),
            ("(size - kernel + 2 * padding) // stride", "One too few"),
            ("(size - kernel + padding) // stride + 1", "both sides"),
            ("size - kernel + 2 * padding + 1", "stride is forgotten"),
            ("(size - kernel) // stride + 1", "padding is forgotten"),
            ("(size - kernel + 2 * padding + 1) // stride", "after the division"),
            ("-(-(size - kernel + 2 * padding) // stride) + 1", "not up"),
            ("size // stride", "it should be"),
        ]
    ]
    + [
        (
            f"def output_size(size, kernel, stride={s}, padding={p}):\n"
            "    return (size - kernel + 2 * padding) // stride + 1",
            hint,
        )
        for s, p, hint in [
            (2, 0, "For (28, 5) it returns 12, it should be 24"),
            (1, 1, "For (28, 5) it returns 26"),
        ]
    ],
    "horizontal_kernel": [
        ("horizontal_kernel = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]", "vertical edge"),
        ("horizontal_kernel = [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]", "change all signs"),
        ("horizontal_kernel = [[-1, -2, -1], [0, 0, 0], [1, 2, 2]]", "add up to 0"),
        ("horizontal_kernel = [[0, 0, 0], [0, 0, 0], [0, 0, 0]]", "does not see"),
        ("horizontal_kernel = [[-1, -1], [1, 1]]", "shape"),
        ("horizontal_kernel = [[None] * 3] * 3", "must be numbers"),
        ("horizontal_kernel = [['-1'] * 3, ['0'] * 3, ['1'] * 3]", "texts, not numbers"),
        ("horizontal_kernel = [[-1] * 3, [0] * 3, ['1'] * 3]", "texts, not numbers"),
        ("horizontal_kernel = [[1] * 3, [-2] * 3, [1] * 3]", "the upper row"),
        ("horizontal_kernel = [[-1] * 3, [2] * 3, [-1] * 3]", "the lower row"),
        ("horizontal_kernel = [[-1, 0, 0], [0, 0, 0], [0, 0, 1]]", "vertical edge"),
    ],
    "edge_layer": [
        (_LAYER.format("bias=False", "kernels[:, None]"), "smaller than the picture"),
        (_LAYER.format("padding=1, bias=False", "kernels[:, None].flip(2, 3)"), "flipped"),
        (_LAYER.format("padding=1, bias=False", "kernels[:, None].mT"), "swapped"),
        (_LAYER.format("padding=1", "kernels[:, None]"), "bias=False"),
        (
            "def edge_layer(kernels):\n"
            "    return nn.Conv2d(1, len(kernels), 3, padding=1, bias=False)",
            "weights are not the kernels",
        ),
        (
            "def edge_layer(kernels):\n"
            "    layer = nn.Conv2d(1, len(kernels), 3, padding=1, bias=False)\n"
            "    layer.weight.copy_(kernels[:, None])\n    return layer",
            "torch.no_grad()",
        ),
        ("def edge_layer(kernels):\n    return kernels", "An nn.Conv2d is asked for"),
    ],
    "max_pool": [
        (
            "def max_pool(p, n):\n    h, w = p.shape[0] // n, p.shape[1] // n\n"
            "    return [[p[i:i + n, j:j + n].max() for j in range(w)] for i in range(h)]",
            "begins at row i * patch",
        ),
        (
            "def max_pool(p, n):\n    h, w = p.shape[0] // n, p.shape[1] // n\n"
            "    r = np.zeros((h, w))\n    for i in range(h * n):\n        for j in range(w * n):\n"
            "            r[i // n, j // n] = max(r[i // n, j // n], p[i, j])\n    return r",
            "below 0",
        ),
        *[
            (f"def max_pool(picture, patch):\n    return {code}", hint)
            for code, hint in [
                ("F.avg_pool2d(torch.tensor(picture)[None], patch)[0]", "mean of each patch"),
                ("-F.max_pool2d(-torch.tensor(picture)[None], patch)[0]", "smallest"),
                ("F.max_pool2d(torch.tensor(picture)[None], patch, 1)[0]", "overlap"),
                ("picture[::patch, ::patch]", "first pixel"),
                ("F.max_pool2d(torch.tensor(picture)[None], patch)[0].T", "swapped"),
                (
                    "F.max_pool2d(torch.tensor(picture)[None], patch, ceil_mode=True)[0]",
                    "hangs over the edge",
                ),
            ]
        ],
    ],
    "average_by_convolution": [
        (_AVERAGE.format("bias=False", "1 / patch**2"), "stride is missing"),
        (_AVERAGE.format("stride=patch, bias=False", "1.0"), "sum of each patch"),
        (_AVERAGE.format("stride=patch, bias=False", "1 / patch"), "patch² pixels"),
        (_AVERAGE.format("stride=patch, bias=False", "1 / 4"), "patch of 2 only"),
        (_AVERAGE.format("stride=patch", "1 / patch**2"), "bias=False"),
        (_AVERAGE.format("stride=patch, bias=False", "1 / 9"), "patch of 3 only"),
        (
            "def average_by_convolution(patch):\n"
            "    return nn.Conv2d(1, 1, patch, stride=patch, bias=False)",
            "still random",
        ),
        (
            "def average_by_convolution(patch):\n    return nn.Conv2d(3, 3, patch, stride=patch)",
            "takes 3 channels, it should take 1",
        ),
        (
            "def average_by_convolution(patch):\n    return nn.AvgPool2d(patch)",
            "An nn.Conv2d is asked for",
        ),
    ],
    "block": [
        (_BLOCK.format("channels", 1, "F.max_pool2d(self.filter(X), 2)"), "ReLU is missing"),
        (_BLOCK.format("channels", 1, "F.relu(self.filter(X))"), "pooling is missing"),
        (_BLOCK.format("channels", 0, "F.max_pool2d(F.relu(self.filter(X)), 2)"), "padding=1"),
        (_BLOCK.format("channels", 1, "F.avg_pool2d(F.relu(self.filter(X)), 2)"), "average"),
        (_BLOCK.format("channels", 1, "F.max_pool2d(self.filter(F.relu(X)), 2)"), "comes before"),
        (_BLOCK.format("1", 1, "F.max_pool2d(F.relu(self.filter(X)), 2)"), "weights should be"),
        (_BLOCK.format("channels", 1, "F.max_pool2d(F.relu(self.filter(X)), 3)"), "another chain"),
        (
            _BLOCK.replace("super().__init__()", "pass").format("channels", 1, "self.filter(X)"),
            "before Module.__init__() call",
        ),
        ("Block = nn.MaxPool2d", "One nn.Conv2d is asked for"),
        (
            _BLOCK.replace("self.filter = nn", "self.layers = [nn")
            .replace("padding={})", "padding={})]")
            .format("channels", 1, "F.max_pool2d(F.relu(self.layers[0](X)), 2)"),
            "not in a plain list",
        ),
        (
            "class Block(nn.Module):\n    def __init__(self, channels):\n"
            "        super().__init__()\n        self.channels = channels\n"
            "    def forward(self, X):\n"
            "        filters = nn.Conv2d(1, self.channels, 3, padding=1)\n"
            "        return F.max_pool2d(F.relu(filters(X)), 2)",
            "make the convolution in `__init__`",
        ),
    ],
    "pooled_size": [
        (f"def pooled_size(size, patch, stride=None):\n    return {code}", hint)
        for code, hint in [
            ("(size - patch) // (stride or 1) + 1", "whole patch, not by 1"),
            ("-(-(size - patch) // (stride or patch)) + 1", "Round down"),
            ("(size - patch) // patch + 1", "stride is ignored"),
            ("size // patch", "stride is ignored"),
            ("size // (stride or patch)", "take the patch off"),
            ("(size - patch) // (stride or patch)", "One too few"),
            ("(size - patch) / (stride or patch) + 1", "rounded down"),
            ("round((size - patch) / (stride or patch)) + 1", "it should be"),
            ("str((size - patch) // (stride or patch) + 1)", "is the text"),
            ("((size - patch) // (stride or patch) + 1, 1)", "One number is asked for"),
        ]
    ],
    "receptive_field": [
        (_FIELD.format(start=1, body="seen += kernel - 1"), "strides are forgotten"),
        (
            _FIELD.format(start=1, body="step *= stride; seen += (kernel - 1) * step"),
            "own stride",
        ),
        (
            _FIELD.format(start=1, body="seen += kernel * step; step *= stride"),
            "size minus 1",
        ),
        (
            _FIELD.format(start=0, body="seen += (kernel - 1) * step; step *= stride"),
            "begin with 1",
        ),
        (
            _FIELD.format(start=1, body="seen += (kernel - 1) * step; step = stride"),
            "strides of all layers multiply",
        ),
        (
            _FIELD.format(start=1, body="seen += (kernel - 1) * step; step += stride"),
            "Strides multiply",
        ),
        (
            _FIELD.format(start=1, body="seen += (kernel - 1) * step; step *= min(stride, 2)"),
            "it should be",
        ),
        ("def receptive_field(layers):\n    return np.prod([k for k, _ in layers])", "multiply"),
        ("def receptive_field(layers):\n    return sum(k for k, _ in layers)", "overlap"),
    ],
    "decayed_step": [
        (f"def decayed_step(w, gradient, lr, weight_decay):\n    return {code}", hint)
        for code, hint in [
            ("w - lr * (gradient + 2 * weight_decay * w)", "factor 2 belongs to"),
            ("w - lr * (gradient + weight_decay / 2 * w)", "not half of it"),
            ("w - lr * gradient - weight_decay * w", "lr multiplies both"),
            ("w - lr * gradient", "decay is missing"),
            ("w - lr * weight_decay * w", "gradient of the loss is missing"),
            ("w - lr * (gradient - weight_decay * w)", "away from 0"),
            ("w + lr * (gradient + weight_decay * w)", "uphill"),
            ("w - lr * (gradient + weight_decay)", "multiply it by w"),
            (
                "w - lr * (gradient + weight_decay * torch.sign(torch.as_tensor(w)))",
                "L1's gradient",
            ),
            ("w - lr * (gradient + weight_decay * w**2)", "proportional to w"),
            ("gradient + weight_decay * w", "That is the gradient"),
            ("lr * (gradient + weight_decay * w)", "That is the step"),
            ("str(w)", "is the text"),
        ]
    ],
    "flip_some": [
        (f"def flip_some(X, chosen):\n    return {code}", hint)
        for code, hint in [
            ("X.flip(3)", "`chosen` says which"),
            ("X", "Nothing is mirrored"),
            ("torch.where(chosen[:, None, None, None], X, X.flip(3))", "not chosen"),
            ("torch.where(chosen[:, None, None, None], X.flip(2), X)", "upside down"),
            ("torch.where(chosen[:, None, None, None], X.flip(1), X)", "colours"),
            ("torch.where(chosen[:, None, None, None], X.flip(0), X)", "whole pictures"),
            ("torch.where(chosen[:, None, None, None], X.flip(2, 3), X)", "half a circle"),
            ("X[chosen].flip(3)", "in their places"),
            ("torch.where(chosen, X.flip(3), X)", "It stops with RuntimeError"),
        ]
    ],
    "kept_epoch": [
        (
            "def kept_epoch(a, patience):\n    best, bad = 0, 0\n"
            "    for epoch, value in enumerate(a, 1):\n"
            "        best, bad = (value, 0) if value > best else (best, bad + 1)\n"
            "        if bad == patience:\n            return epoch - patience\n    return len(a)",
            "it returns 3, it should be 2",
        ),
        ("def kept_epoch(a, patience):\n    return a.index(max(a)) + 1", "patience is not used"),
        (
            "def kept_epoch(a, patience):\n    best, bad = 0, 0\n    for i in range(1, len(a)):\n"
            "        if a[i] > a[best]:\n            best = i\n"
            "        else:\n            bad += 1\n"
            "        if bad >= patience:\n            break\n    return best + 1",
            "counting anew",
        ),
        (
            "def kept_epoch(a, patience):\n    best = 0\n    for i in range(len(a)):\n"
            "        if a[i] > a[best]:\n            best = i\n"
            "        if i - best >= patience:\n            break\n    return best",
            "from 1",
        ),
        (
            "def kept_epoch(a, patience):\n    best = 0\n    for i in range(len(a)):\n"
            "        if a[i] > a[best]:\n            best = i\n"
            "        if i - best >= patience:\n            break\n    return i + 1",
            "best epoch up to there",
        ),
        (
            "def kept_epoch(a, patience):\n    best = 0\n    for i in range(len(a)):\n"
            "        if a[i] >= a[best]:\n            best = i\n"
            "        if i - best >= patience:\n            break\n    return best + 1",
            "first of equals",
        ),
        (
            "def kept_epoch(a, patience):\n    best = 0\n    for i in range(len(a)):\n"
            "        if a[i] > a[best]:\n            best = i\n"
            "        if i - best > patience:\n            break\n    return best + 1",
            "one epoch too long",
        ),
        ("def kept_epoch(a, patience):\n    return max(a)", "That is an accuracy"),
    ],
    "slope_through": [
        (f"import math\ndef slope_through(slopes, skip):\n    return {code}", hint)
        for code, hint in [
            ("math.prod(slopes)", "slope is 1 + that"),
            ("math.prod(1 + s for s in slopes)", "Without skip nothing"),
            ("math.prod(slopes) + skip", "one around all"),
            ("sum(s + skip for s in slopes)", "in a row multiply"),
            ("math.prod(1 if skip else s for s in slopes)", "own slope counts too"),
            ("math.prod(s * (1 + skip) for s in slopes)", "does not double"),
        ]
    ],
    "unnormalise": [
        (f"def unnormalise(X, mean, std):\n    return {code}", hint)
        for code, hint in [
            ("(X - mean.view(3, 1, 1)) / std.view(3, 1, 1)", "normalises once more"),
            ("(X + mean.view(3, 1, 1)) * std.view(3, 1, 1)", "undone first"),
            ("X * mean.view(3, 1, 1) + std.view(3, 1, 1)", "swapped"),
            ("X * std.view(3, 1, 1) - mean.view(3, 1, 1)", "add it again"),
            ("X / std.view(3, 1, 1) + mean.view(3, 1, 1)", "multiply by it"),
            ("X * std.view(3, 1, 1)", "mean is missing"),
            ("X + mean.view(3, 1, 1)", "deviation is missing"),
            ("X * std.view(1, 3, 1) + mean.view(1, 3, 1)", "rows of a picture"),
            ("X * std + mean", "columns of a picture"),
            ("X * std.mean() + mean.mean()", "its own mean"),
            ("(X * std.view(3, 1, 1) + mean.view(3, 1, 1)).clamp(0, 1)", "Do not cut off"),
            ("X", "off by up to"),
        ]
    ],
    "relabel": [
        (
            "def relabel(t, a, b):\n"
            f"    k = [i for i, v in enumerate(t) if v in (a, b)]\n    {code}",
            hint,
        )
        for code, hint in [
            ("return k, [t[i] for i in k]", "still those of the ten"),
            ("return k, [int(t[i] == a) for i in k]", "0 and 1 are swapped"),
            ("return k, [str(int(t[i] == b)) for i in k]", "texts, not numbers"),
            ("return k, [[int(t[i] == b)] for i in k]", "make it flat"),
            ("return k, [int(t[i] == b) + 0.5 for i in k]", "the labels are off"),
            (
                "t = torch.tensor(t)\n    k = torch.nonzero((t == a) | (t == b))\n"
                "    return k, (t[k[:, 0]] == b).long()",
                "make it flat",
            ),
            ("return k, [int(t[i] > min(a, b)) for i in k]", "even if it is the larger"),
            ("return [t[i] for i in k], [int(t[i] == b) for i in k]", "at which positions"),
            ("return range(len(t)), [int(v == b) for v in t]", "those of the two classes"),
            ("return k", "Two lists are asked for"),
            ("return k, [int(v == b) for v in t]", "one label for each"),
            ("return k[1:], [int(t[i] == b) for i in k[1:]]", "there should be"),
            ("return [i + 1 for i in k], [int(t[i] == b) for i in k]", "that gives [0, 1, 3]"),
            (
                "n = [i for i in k if t[i] == a]\n    m = [i for i in k if t[i] == b]\n"
                "    return n + m, [0] * len(n) + [1] * len(m)",
                "order of the dataset",
            ),
        ]
    ],
    "log_softmax": [
        (f"def log_softmax(s):\n    return {code}", hint)
        for code, hint in [
            ("s.softmax(0)", "the logarithm is missing"),
            ("s.softmax(0).log()", "has become 0 before"),
            ("(s.softmax(0) + 1e-12).log()", "hides the"),
            ("s.softmax(0).clamp(1e-12).log()", "hides the"),
            ("(s.softmax(0) + 1e-9).log()", "hides the"),
            ("s.softmax(0).clamp(torch.finfo().tiny).log()", "hides the"),
            ("s.log_softmax(0).nan_to_num() + s.softmax(0).log() * 0", "Subtract the largest"),
            ("s - s.exp().sum().log()", "Subtract the largest score"),
            ("(s.exp() / s.exp().sum()).log()", "Subtract the largest score"),
            ("s - (s - s.max()).exp().sum().log()", "from the scores too"),
            ("s - s.max()", "first half"),
            ("s - s.exp().sum()", "logarithm of the sum"),
            ("-s.log_softmax(0)", "turned round"),
            ("s.softmax(0).log10()", "natural logarithm"),
            ("s.log_softmax(0).mean()", "has the shape ()"),
        ]
    ],
    "mlp_parameters": [
        (f"def mlp_parameters(s):\n    p = list(zip(s, s[1:]))\n    return {code}", hint)
        for code, hint in [
            ("sum(a * b for a, b in p)", "biases are missing"),
            ("sum(a * b + a for a, b in p)", "not for each input"),
            ("sum(a * b + 1 for a, b in p)", "bias of its own"),
            ("sum(a * b for a, b in p) + sum(s)", "inputs have no bias"),
            ("s[0] * s[1] + s[1]", "first layer only"),
            ("sum(a + b for a, b in p)", "multiply the two"),
            ("sum((a + 1) * (b + 1) for a, b in p)", "and no output"),
            ("__import__('math').prod(s)", "do not multiply"),
            ("sum(s)", "it should be 393602"),
        ]
    ],
    "ready": [
        (
            "def ready(p, m, s):\n    m, s = m.view(3, 1, 1), s.view(3, 1, 1)\n"
            f"    X = torch.as_tensor(p).permute(2, 0, 1)\n    return {code}",
            hint,
        )
        for code, hint in [
            ("(X / 255 - m) / s", "batch axis is missing"),
            ("((X - m) / s)[None]", "divide by 255 first"),
            ("X[None] / 255", "not normalised"),
            ("X[None]", "and normalise"),
            ("((torch.as_tensor(p).reshape(X.shape) / 255 - m) / s)[None]", "mixes pixels"),
            ("((X.mT / 255 - m) / s)[None]", "swapped"),
            ("((X / 255 - m) / s).permute(1, 2, 0)[None]", "channels come last"),
            ("((X.flip(0) / 255 - m) / s)[None]", "blue, green, red"),
            ("((X / 255 - m) * s)[None]", "off by up to"),
            ("((X / 255 - 0.48) / 0.25)[None]", "use those that are given"),
            ("((X.double() / 255 - m) / s)[None]", "not the dtype torch.float64"),
            ("((X / 255 - m) / s)[None].numpy()", "not ndarray"),
        ]
    ],
    "time_to_goal": [
        (f"def time_to_goal(epochs, pictures, batch_size, seconds):\n    return {code}", hint)
        for code, hint in [
            ("epochs * pictures / batch_size * seconds", "no parts of batches"),
            ("epochs * pictures // batch_size * seconds", "each epoch that drops its rest"),
            ("epochs * -(-pictures // batch_size) * seconds", "counts the smaller last batch"),
            ("epochs * round(pictures / batch_size) * seconds", "always round down"),
            ("epochs * (pictures // batch_size + 1) * seconds", "One step too many"),
            ("epochs * pictures * seconds", "whole batch, not one picture"),
            ("pictures // batch_size * seconds", "multiply by epochs"),
            ("pictures / batch_size * seconds", "And there are no parts"),
            ("epochs * (pictures // batch_size)", "counts the steps"),
            ("epochs * pictures / batch_size", "These are steps"),
            ("epochs * seconds", "An epoch has many steps"),
            ("epochs * (pictures // batch_size) * seconds / 60", "it returns"),
        ]
    ],
    "triangle": [
        (f"def triangle(step, steps, peak=0.2):\n    done = step / steps\n    return {code}", hint)
        for code, hint in [
            ("min(step / int(peak * steps), (steps - step) / (steps - int(peak * steps)))", "0.71"),
            ("1 - done", "This only falls"),
            ("done", "rise never ends"),
            ("done / peak", "rise never ends"),
            ("min(done / peak, 1)", "stays at 1"),
            ("min(done / (1 - peak), (1 - done) / peak)", "top is at 1 - peak"),
            ("min(2 * done, 2 - 2 * done)", "top is in the middle"),
            ("min(done / 0.2, (1 - done) / 0.8)", "argument is not used"),
            ("done if done < peak else 1 - done", "do not meet at 1"),
            ("done / peak if done < peak else 1 - done", "jumps down"),
            ("done / peak if done < peak else 1 - (done - peak)", "does not come down to 0"),
            ("max(0, 1 - abs(done - peak) / peak)", "as steeply as it rises"),
            (
                "done / peak if done < peak else max(0, 1 - (done - peak) / (1 - 2 * peak))",
                "0 at 1 - peak",
            ),
            ("1 - min(done / peak, (1 - done) / (1 - peak))", "upside down"),
            ("100 * min(done / peak, (1 - done) / (1 - peak))", "per cent"),
            ("min(done / peak, (steps - 1 - step) / (steps * (1 - peak)))", "it should be"),
        ]
    ]
    + [
        (
            "def triangle(step, steps, peak=0.2):\n"
            "    step += 1\n    return min(step / steps / peak, (1 - step / steps) / (1 - peak))",
            "counted from 0",
        ),
        (
            "def triangle(step, steps, peak=0.2):\n"
            "    steps -= 1\n    return min(step / steps / peak, (1 - step / steps) / (1 - peak))",
            "one step too soon",
        ),
    ],
    "operations": [
        (f"def operations(n, before, after, kernel, height, width):\n    return {code}", hint)
        for code, hint in [
            ("n * before * after * kernel**2 * height * width", "multiplications only"),
            ("2 * n * before * after * kernel * height * width", "kernel counts twice"),
            ("n * before * after * kernel * height * width", "kernel × kernel"),
            ("2 * n * after * kernel**2 * height * width", "multiply by `before`"),
            ("n * after * kernel**2 * height * width", "`before` and 2 are missing"),
            ("2 * n * before * kernel**2 * height * width", "`after` filters"),
            ("2 * before * after * kernel**2 * height * width", "one picture: multiply"),
            ("before * after * kernel**2 * height * width", "by pictures and by 2"),
            ("2 * n * before * after * kernel**2", "each place of the output"),
            ("before * after * kernel**2", "These are the weights"),
            ("2 * n * (before + after) * kernel**2 * height * width", "before · after"),
            (
                "2 * n * before * after * kernel**2 * (height - kernel + 1) * (width - kernel + 1)",
                "those of the output already",
            ),
            ("2e-9 * n * before * after * kernel**2 * height * width", "thousands of millions"),
            ("n * after * height * width * (2 * before * kernel**2 - 1)", "One addition less"),
            ("2 * n * before * after * kernel**2 * height", "the width is missing"),
            ("2 * before * kernel**2", "one number of the output"),
            ("2 * n * before * after * kernel**2 * (height + width)", "it should be"),
        ]
    ],
    "smooth": [
        (
            "def smooth(y, classes, amount):\n    hot = F.one_hot(y, classes).float()\n"
            f"    return {code}",
            hint,
        )
        for code, hint in [
            ("hot * (1 - amount) + (1 - hot) * amount / (classes - 1)", "wrong classes only"),
            ("hot * (1 - amount) + (1 - hot) * amount / classes", "on top of 1 - amount"),
            ("hot + amount / classes", "not 1 and its share"),
            ("hot + (1 - hot) * amount / classes", "keeps all of its 1"),
            ("(hot * (1 - amount) + amount / classes).T", "Rows and columns are swapped"),
            ("hot", "`amount` is not used"),
            ("hot * (1 - amount)", "given to none"),
            ("hot * (1 - amount) + amount", "not all of it"),
            ("hot * (1 - amount) + amount / len(y)", "not among the labels"),
            ("hot * amount + (1 - amount) / classes", "are swapped"),
            ("y", "These are labels again"),
            ("(hot * (1 - amount) + amount / classes).mean(0)", "one row for all"),
            ("(hot * (1 - amount) + amount / classes).numpy()", "type ndarray"),
            ("hot.log_softmax(1)", "off by up to"),
        ]
    ],
    "mirrored": [
        (f"def mirrored(model, X):\n    return {code}", hint)
        for code, hint in [
            ("model(X)", "mirror image is missing"),
            ("model(X) + model(X)", "shown twice"),
            ("model(X.flip(3))", "mirror image alone"),
            ("2 * model(X.flip(3))", "show the picture itself"),
            ("model(X) + model(X.flip(2))", "upside down"),
            ("model(X) + model(X.flip(1))", "swaps the colours"),
            ("model(X) + model(X.flip(0))", "swaps whole pictures"),
            ("model(X) + model(X.flip(2, 3))", "half a circle"),
            ("model(X) + model(X.mT)", "rows and columns"),
            ("(model(X) + model(X.flip(3))) / 2", "That is the mean"),
            ("model(X) * model(X.flip(3))", "do not multiply"),
            ("model(X) - model(X.flip(3))", "subtracting"),
            ("torch.maximum(model(X), model(X.flip(3)))", "larger of two scores"),
            ("model(X).softmax(1) + model(X.flip(3)).softmax(1)", "without softmax"),
            ("model(X + X.flip(3))", "laid over each other"),
            ("model((X + X.flip(3)) / 2)", "laid over each other"),
            ("model(X) + model(X).flip(1)", "scores are reversed"),
            ("model(torch.cat([X, X.flip(3)]))", "add the two halves"),
            ("(model(X) + model(X.flip(3))).argmax(1)", "return the scores"),
            ("(model(X), model(X.flip(3)))", "two results"),
            ("X.flip(3)", "it should be (4, 10)"),
            ("model(X) + model(X[::-1])", "It stops with ValueError"),
        ]
    ],
}
