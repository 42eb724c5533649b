"""Checks of the lesson When it does not learn: the repair shop, and the two numbers."""

import dis
import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import SGD, Adam
from torch.optim.lr_scheduler import LinearLR

from helpers.checks.engine import Check, NotAttempted, at_most, normal, pixels, whole
from helpers.checks.engine import guess as guess

# ---------------------------------------------------------------- the two numbers

def small(seed):
    """Give a small model with its optimizer, a batch and its labels; the same for every answer."""
    layers = [nn.utils.skip_init(nn.Linear, *sizes) for sizes in ((12, 16), (16, 5))]
    for k, layer in enumerate(layers):
        layer.weight.data = 0.3 * normal(*layer.weight.shape, seed=seed + k)
        layer.bias.data = 0.1 * normal(*layer.bias.shape, seed=seed + k + 7)
    model = nn.Sequential(layers[0], nn.ReLU(), layers[1])
    return model, normal(20, 12, seed=seed), whole(5, 20, seed=seed), SGD(model.parameters(), lr=0.2)

def twice(scores, y):
    return 2 * F.cross_entropy(scores, y)

def run_small(answer, model, *rest):
    return answer(at_most(model, 200), *rest)

def looked(model, X, y, loss):
    with torch.no_grad():
        return loss(model(X), y).item()

def learned(model, X, y, optimizer, loss, steps, clear=True):
    losses = []
    for _ in range(steps):
        now = loss(model(X), y)
        if clear:
            optimizer.zero_grad()
        now.backward()
        optimizer.step()
        losses.append(now.item())
    return losses

def both(model, X, y, optimizer, loss, steps, **options):
    start = looked(model, X, y, loss)
    learned(model, X, y, optimizer, loss, steps, **options)
    return start, looked(model, X, y, loss)

def keeps_tensors(answer, *case):
    return any(torch.is_tensor(value) for value in run_small(answer, *case))

def not_two(answer, *case):
    found = run_small(answer, *case)
    return not isinstance(found, tuple | list) or len(found) != 2

start_and_end = Check(
    "start_and_end",  # the loss of a batch before the first step, and after learning it by heart
    first_step="Three parts: the loss before anything is learned; the step of lesson Start here, so many times; the loss again.",
    cases=[(*small(0), F.cross_entropy, 5), (*small(3), twice, 12), (*small(5), F.cross_entropy, 1)],
    changes=(0, 3),  # the model and its optimizer
    otherwise="The numbers are not those of such a training. In each step: the loss, zero_grad(), backward(), step(). And the second number comes after the last step.",
    run=run_small,
    right=both,
    mistakes=[
        (learned, "Two numbers are asked for: return start, end", not_two),
        (lambda m, X, y, o, f, steps: [torch.tensor(value) for value in both(m, X, y, o, f, steps)], "Return numbers, not tensors, which keep all that they were computed from: loss.item()", keeps_tensors),
        (lambda m, X, y, o, f, steps: [(losses := learned(m, X, y, o, f, steps))[0], losses[-1]], "One step is missing in the second number: compute it once more after the loop; and step() comes after backward()."),
        (lambda m, X, y, o, f, steps: learned(m, X, y, o, f, 1) and both(m, X, y, o, f, steps - 1), "The first number comes after a step: compute it before anything is learned."),
        (lambda m, X, y, o, f, steps: both(m, X, y, o, f, steps)[::-1], "The two are in the wrong order: start, then end."),
        (lambda m, X, y, o, f, steps: both(m, X, y, o, f, steps, clear=False), "The gradients add up: optimizer.zero_grad() in each step."),
        (lambda m, X, y, o, f, steps: both(m, X, y, o, f, steps + 1), "There is one step too many: the loss before the first one is no step."),
        (lambda m, X, y, o, f, steps: both(m, X, y, o, f, 60), "It always takes 60 steps: use `steps`."),
        (lambda m, X, y, o, f, steps: both(m, X, y, o, F.cross_entropy, steps), "It takes F.cross_entropy, whatever is given: use loss_function."),
        (lambda m, X, y, o, f, steps: both(m, X, y, Adam(m.parameters(), lr=0.003), f, steps), "It makes an optimizer of its own: use the one that is given, whose faults are to be found."),
        (lambda m, X, y, o, f, steps: (looked(m, X, y, f),) * 2, "Nothing is learned between the two: is there a backward(), then a step(), and no zero_grad() between them?"),
])

# ---------------------------------------------------------------- the repair shop

STEPS = 60  # of each patient
CLASSES = 10

def batch():
    """Give 64 pictures, uint8 (64, 1, 28, 28), of ten kinds with a pattern each, and labels."""
    y = torch.arange(64) % CLASSES
    patterns = pixels(CLASSES, 1, 28, 28, high=224, seed=1).float()
    return (patterns[y] + pixels(64, 1, 28, 28, high=32, seed=2)).to(torch.uint8), y

class Ward:
    """Makes the nets that a patient asks for, and watches their training.

    It keeps little: with its nets it makes rings of references, which Python clears late.
    """

    def __init__(self):
        self.nets, self.moves = [], []  # of the nets, whether their weights changed, step by step
        self.first = self.last = self.weights = self.gradient = None
        self.adds_up = False

    def make_net(self):
        net = nn.Sequential(nn.Conv2d(1, 8, 5, stride=3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 64, CLASSES))
        for k, layer in enumerate((net[0], net[3])):
            bound = layer.weight[0].numel() ** -0.5
            layer.weight.data = (2 * torch.rand(layer.weight.shape, generator=torch.Generator().manual_seed(k)) - 1) * bound
            nn.init.zeros_(layer.bias)
        net.register_forward_pre_hook(self.look_at_input)
        net[3].weight.register_hook(self.look_at_gradient)
        net[3].weight.register_post_accumulate_grad_hook(self.look_at_sum)
        self.nets.append(net)
        return at_most(net, 20 * STEPS)

    def look_at_input(self, net, inputs):
        before, self.weights = self.weights, torch.cat([w.detach().flatten() for w in net.parameters()])
        if before is not None:
            self.moves.append(not torch.equal(before, self.weights))
        self.last = inputs[0].detach()
        self.first = self.last if self.first is None else self.first

    def look_at_gradient(self, gradient):
        self.gradient = gradient

    def look_at_sum(self, weight):
        self.adds_up |= not torch.allclose(weight.grad, self.gradient, atol=1e-7)

    def train(self, patient, X, y):
        """Let a patient train nets of this ward; keep what it returned, and its losses."""
        self.returned = patient(lambda: self.make_net(), X, y)  # a method would be copied
        if is_pair(self.returned):
            self.model, self.losses = self.returned[0], [float(loss) for loss in self.returned[1]]
        return self.returned

def is_pair(found):
    return isinstance(found, tuple | list) and len(found) == 2 and isinstance(found[0], nn.Module) and isinstance(found[1], list)

def fresh_net():
    return Ward().make_net()

def words(function):
    """Give what a function uses, in order: names and numbers. Bytecode differs with the imports around it."""
    named = {*dis.hasname, *dis.haslocal, *dis.hasconst}
    return [step.argval for step in dis.get_instructions(function) if step.opcode in named]

def is_unchanged(answer, original):
    """Whether a function is the one that the lesson shows, apart from comments and spaces."""
    return hasattr(answer, "__code__") and words(answer) == words(original)

# Rows about a repaired training: what shows in the ward in which it has just been run.

def no_pair(ward):
    return not is_pair(ward.returned)

def other_count(ward):
    return len(ward.losses) != STEPS and f"{len(ward.losses)}"

def tensors(ward):
    return any(map(torch.is_tensor, ward.returned[1]))

def other_net(ward):
    own = {id(w) for net in ward.nets for w in net.parameters()}
    return not any(id(w) in own for w in ward.model.parameters())

def below_zero(ward):
    return min(ward.losses) < -1e-6 and f"{min(ward.losses):.2f}"

def no_number(ward):
    return not all(map(math.isfinite, ward.losses))

def far_start(ward):
    return abs(ward.losses[0] - math.log(CLASSES)) > 0.5 and f"{ward.losses[0]:.3g}"

def all_alike(ward):
    return bool(ward.first.float().std() < 1e-3)

def still(ward):
    return not any(ward.moves)

def adds_up(ward):
    return ward.adds_up

def stands_later(ward):
    last = len(ward.moves) - ward.moves[::-1].index(True)  # some do, or the row before had fitted
    return last < STEPS - 10 and f"{last}"

def floor(ward):
    return 1.4 < ward.losses[-1] < 1.9 and f"{ward.losses[-1]:.3f}"

def dead(ward):
    return ward.losses[-1] > 0.4 and bool((ward.nets[0][:3](ward.last.float()) == 0).float().mean() > 0.99)

def other_pairs(ward):
    X, y = batch()
    right = int((ward.model(X / 255).argmax(1) == y).sum())
    return right < 58 and f"{right}"

def not_by_heart(enough):
    return lambda ward: ward.losses[-1] > enough and f"{ward.losses[-1]:.3g}"

def patient(number, original, first_step, *rows, enough=0.05):
    """Make the check of a training to be mended; `rows` are about this one, the others about all."""
    ward = None

    def run(answer, make_net, X, y):
        nonlocal ward
        if is_unchanged(answer, original):
            raise NotAttempted
        ward = Ward()
        return ward.train(answer, X, y)

    shared = [
        (lambda *case: original(*case)[1], "Leave what it returns: model, losses", no_pair),
        (lambda *case: sound(*case, steps=59), "There should be 60 steps, as before, and one loss of each; there are {}.", other_count),
        (lambda *case: ((found := sound(*case))[0], [torch.tensor(loss) for loss in found[1]]), "Keep numbers, not tensors, which hold on to all that they were computed from: loss.item()", tensors),
        (lambda _, X, y: sound(lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), X, y), "Leave the net: it is not what ails. It comes from make_net().", other_net),
        (lambda *case: sound(*case, lr=1e30, kind=SGD), "The loss is no number any more (nan or inf).", no_number),
        (lambda *case: sound(*case, given=lambda s: s.softmax(1), loss_of=F.nll_loss), "The loss is below 0 ({}): nll_loss takes log-probabilities, and cross_entropy takes scores.", below_zero),
        (lambda net, X, y: sound(net, X * 1.0, y, divided=1 / 255), "The loss before the first step is {}; for ten classes, with nothing known, it is near 2.303. What does the net get to see?", far_start),
        (lambda net, X, y: sound(net, X * 0, y), "The net sees the same picture again and again: the pictures have become zeros, or nearly.", all_alike),
        (lambda *case: sound(*case, moving=False), "No weight of the net moves. Which weights does the optimizer hold, and is there a gradient when it steps?", still),
        (lambda *case: sound(*case, clear=False), "The gradient of a step is added to those of the steps before.", adds_up),
        *rows,
        (lambda *case: sound(*case, lr=0.001 if enough < 0.1 else 1e-5), "It ends at a loss of {}: the batch is not learned by heart. Print the losses: when do they stop falling, and why?", not_by_heart(enough)),
    ]
    looked = [(wrong, hint, lambda *_, shows=shows: shows(ward)) for wrong, hint, shows in shared]
    return Check(f"patient_{number}", first_step, cases=[(fresh_net, *batch())], run=run, mistakes=looked)

def sound(make_net, X, y, steps=STEPS, lr=0.003, kind=Adam, divided=255, moving=True, shuffled=False, clear=True, given=lambda scores: scores, loss_of=F.cross_entropy, iters=None):
    """Train as it should be, or with one thing wrong: rows show that they find it."""
    model = make_net()
    optimizer = kind(model.parameters(), lr=lr)
    scheduler = iters and LinearLR(optimizer, 1, 0, total_iters=iters)
    losses = []
    for _ in range(steps):
        labels = y[torch.randperm(len(y))] if shuffled else y
        loss = loss_of(given(model(X / divided)), labels)
        if clear:
            optimizer.zero_grad()
        loss.backward()
        if moving:
            optimizer.step()
        if scheduler:
            scheduler.step()
        losses.append(loss.item())
    return model, losses

# The patients, as the lesson shows them. A test compares the two.

def softmax_twice(make_net, X, y):
    model = make_net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    losses = []
    for _ in range(60):
        probabilities = model(X / 255).softmax(dim=1)
        loss = F.cross_entropy(probabilities, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model, losses

def large_pictures(make_net, X, y):
    model = make_net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    losses = []
    for _ in range(60):
        loss = F.cross_entropy(model(X.float()), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model, losses

def other_model(make_net, X, y):
    optimizer = torch.optim.Adam(make_net().parameters(), lr=0.003)
    model = make_net()
    losses = []
    for _ in range(60):
        loss = F.cross_entropy(model(X / 255), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model, losses

def gradients_add_up(make_net, X, y):
    model = make_net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    losses = []
    for _ in range(60):
        loss = F.cross_entropy(model(X / 255), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model, losses

def short_schedule(make_net, X, y):
    model = make_net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    scheduler = LinearLR(optimizer, 1, 0, total_iters=6)
    losses = []
    for _ in range(60):
        loss = F.cross_entropy(model(X / 255), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return model, losses

def high_rate(make_net, X, y):
    model = make_net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.3)
    losses = []
    for _ in range(60):
        loss = F.cross_entropy(model(X / 255), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model, losses

def other_labels(make_net, X, y):
    model = make_net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    losses = []
    for _ in range(60):
        X = X[torch.randperm(len(X))]
        loss = F.cross_entropy(model(X / 255), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model, losses

patient_1 = patient(
    1, softmax_twice,
    "Where does the loss stop? Which numbers does cross_entropy ask for, and which does it get?",
    (lambda *case: sound(*case, given=lambda s: s.softmax(1), lr=0.004), "The loss still does not get below 1.461 (it ends at {}), which is what cross_entropy gives for the probabilities 1, 0, 0, … : so probabilities are what it gets.", floor),
)
patient_2 = patient(
    2, large_pictures,
    "The end is splendid. Which of the two numbers is not as it should be?",
)
patient_3 = patient(
    3, other_model,
    "Start and end are the same to the last digit. What would have to change between them, and who changes it?",
)
patient_4 = patient(
    4, gradients_add_up,
    "Go through the steps of lesson Start here, one by one. Which of them is not there?",
)
patient_5 = patient(
    5, short_schedule,
    "Print the losses: from which step on do they stand still? Then look for what has an end after so many steps.",
    (lambda *case: sound(*case, iters=20), "After step {} no weight moves any more. How long should the schedule be?", stands_later),
    enough=0.4,
)
patient_6 = patient(
    6, high_rate,
    "What does the last ReLU give in the end? And what made it so: look at the first steps.",
    (lambda *case: sound(*case, lr=0.2), "Behind the last ReLU all numbers are 0: the first steps were too long, and the net is dead.", dead),
    enough=0.4,
)
patient_7 = patient(
    7, other_labels,
    "Take one picture through the loop, in two steps: which label does it meet?",
    (lambda *case: sound(*case, shuffled=True), "Of the 64 pictures with their own labels the net gets {} right: it has learned other pairs.", other_pairs),
)
