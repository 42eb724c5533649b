"""Drawn hands: small colour pictures of the six signs, made by a seeded generator.

A hand is a skeleton of joints in three dimensions. Bones are drawn as tapered round
rods into a height map (a z-buffer), so that bent fingers hide what lies behind them and
a turned hand is seen foreshortened; light, shadow and colour then follow from the heights.

Hand coordinates: one unit is the length of the palm. x goes away from the thumb, y from
the wrist to the fingers, z from the palm towards the viewer (the palm faces the viewer).
"""

import cv2
import numpy as np

__all__ = ["VARIETY", "draw_hand"]

SIZE = 64  # pixels, side of a finished picture
CANVAS = 160  # pixels, side of the picture while drawing; shrinking smooths the edges

# Index, middle, ring and little finger.
KNUCKLES = np.array([[-0.33, 0.96, 0], [-0.11, 1.0, 0.02], [0.11, 0.96, 0.02], [0.32, 0.86, 0]])
PHALANGES = np.array([[46, 27, 20], [51, 31, 21], [47, 29, 21], [37, 21, 19]]) / 100
FINGER_RADII = np.array([0.115, 0.105, 0.095, 0.085])  # knuckle, two joints, tip
THUMB_RADII = np.array([0.20, 0.15, 0.115, 0.09])
# Degrees between a finger and the palm's axis, closed and wide: a V opens wider than a fan.
CLOSED = np.array([3, 1, -3, -7])
V, FAN = [-24, 20, 0, 0], [-22, -5, 13, 34]
WIDE = np.array([CLOSED, [-20, 0, 0, 0], V, V, FAN, FAN])

# Joints of the thumb (base, knuckle, joint, tip) in its named positions.
THUMB = {
    "close": [[-0.44, 0.52, 0.18], [-0.52, 0.82, 0.24], [-0.55, 1.08, 0.26]],
    "wide": [[-0.55, 0.42, 0.18], [-0.86, 0.55, 0.22], [-1.10, 0.72, 0.24]],
    "palm": [[-0.34, 0.48, 0.24], [-0.08, 0.62, 0.32], [0.16, 0.58, 0.28]],
    "side": [[-0.36, 0.50, 0.22], [-0.20, 0.76, 0.30], [-0.06, 0.94, 0.27]],
}
THUMB = {name: np.array([[-0.22, 0.22, 0.08], *joints]) for name, joints in THUMB.items()}

# Per sign: how many fingers are straight, and the two positions between which the thumb is.
STRAIGHT = (0, 1, 2, 2, 4, 4)
THUMB_OF = {3: ("close", "wide"), 4: ("palm", "side"), 5: ("close", "wide")}

# How far a drawn hand strays from the mean one: uniform in plus or minus these numbers,
# times the `variety` of draw_hand. Only left or right, and noise, are chance at any variety.
VARIETY = {"yaw": 40, "pitch": 25, "roll": 55, "lean": 30}  # degrees: view, turn, forearm
VARIETY |= {"size": 0.3, "place": 0.8}  # log of the scale; share of the room
VARIETY |= {"open": 0.6, "thumb": 0.06}  # fan of fingers; palm lengths
VARIETY |= {"relaxed": 10, "fold": 10, "bend": 8}  # degrees: straight, folded, each joint
VARIETY |= {"tone": 1.4, "tint": 10, "wall": 40, "uneven": 25}  # pale to dark; grey levels
VARIETY |= {"shadow": 0.25, "light": 0.8, "shade": 0.3}
VARIETY |= {"blotch": 0.1}  # share of the brightness of the skin


def finger_joints(knuckle, lengths, spread, bends):
    """Joints of a finger, (4, 3): three phalanges from the knuckle on.

    spread: degrees in the plane of the palm; bends: (3,) degrees at the three joints.
    """
    bend, spread = np.radians(np.cumsum(bends)), np.radians(spread)
    along = np.cos(bend)
    steps = np.stack([along * np.sin(spread), along * np.cos(spread), np.sin(bend)], axis=1)
    return np.vstack([knuckle, knuckle + np.cumsum(steps * lengths[:, None], axis=0)])


def hand_joints(label, stray):
    """Joints of the four fingers, (4, 4, 3), and of the thumb, (4, 3), for a sign 0..5.

    stray(name, shape): random numbers in plus or minus VARIETY[name].
    """
    openness = 0.6 + stray("open")
    spreads = (1 - openness) * CLOSED + openness * WIDE[label]
    bends_of = {
        "straight": np.array([0.8, 1, 0.5]) * (8 + stray("relaxed")),
        "folded": np.array([82 if label == 3 else 70, 98, 55]) + stray("fold", 3),
        "ring": np.array([48, 62, 38]),
    }
    fingers = []
    for finger in range(4):
        shape = "ring" if label == 0 else "straight" if finger < STRAIGHT[label] else "folded"
        bends = bends_of[shape] + stray("bend", 3)
        spread = spreads[finger] * (1 if shape == "straight" else 0.3) + 0.5 * stray("bend")
        fingers.append(finger_joints(KNUCKLES[finger], PHALANGES[finger], spread, bends))
    fingers = np.array(fingers)
    if label == 0:  # the tip of the thumb meets the tips of index and middle finger
        tip = fingers[:2, 3].mean(axis=0) + np.array([-0.08, -0.1, 0.04])
        thumb = np.array([[-0.2, 0.2, 0.1], [-0.3, 0.42, 0.42], [-0.28, 0.66, 0.66], tip])
    elif label < 3:  # the thumb lies on the folded finger next to the straight ones
        tip = fingers[label, 2:].mean(axis=0) + np.array([0, 0, 0.17])
        thumb = np.array([[-0.22, 0.22, 0.08], [-0.38, 0.46, 0.32], tip - [0.27, 0.08, 0.03], tip])
    else:
        one, other = THUMB_OF[label]
        mix = 0.5 + stray("open")
        thumb = (1 - mix) * THUMB[one] + mix * THUMB[other]
    thumb[1:] += stray("thumb", (3, 3))
    return fingers, thumb


def hand_bones(fingers, thumb):
    """All bones as rows (start x y z, end x y z, radius at start, radius at end)."""
    bones = []
    for joints in fingers:
        wrist = np.array([0.45 * joints[0, 0], 0.1, -0.02])
        bones.append([*wrist, *joints[0], 0.2, 0.13])
        bones += [[*joints[k], *joints[k + 1], *FINGER_RADII[k : k + 2]] for k in range(3)]
    bones += [[*thumb[k], *thumb[k + 1], *THUMB_RADII[k : k + 2]] for k in range(3)]
    bones.append([0.05, 0.05, 0, 0.27, 0.72, 0.03, 0.19, 0.16])  # ball of the little finger
    bones.append([-0.05, 0.05, 0, *thumb[1], 0.2, 0.16])  # ball of the thumb
    return np.array(bones)


def rotation(yaw, pitch, roll):
    """Matrix (3, 3) that turns about y, then x, then z; angles in degrees."""
    angles = np.radians([yaw, pitch, roll])
    (cy, cp, cr), (sy, sp, sr) = np.cos(angles), np.sin(angles)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return about_z @ about_x @ about_y


def height_map(bones):
    """Heights of the rods over the plane of the picture, (CANVAS, CANVAS), -inf beside them.

    bones: (N, 8) as from hand_bones, in pixels. The highest rod hides the others.
    """
    height = np.full((CANVAS, CANVAS), -np.inf, np.float32)
    for bone in bones.astype(np.float32):
        start, end, radius = bone[:3], bone[3:6], bone[6:8]
        low = np.clip(np.minimum(start, end)[:2] - radius.max(), 0, CANVAS).astype(int)
        high = np.clip(np.maximum(start, end)[:2] + radius.max() + 1, 0, CANVAS).astype(int)
        if (low >= high).any():
            continue
        x = np.arange(low[0], high[0], dtype=np.float32)[None, :] - start[0]
        y = np.arange(low[1], high[1], dtype=np.float32)[:, None] - start[1]
        step = end - start
        along = np.clip((x * step[0] + y * step[1]) / (step[0] ** 2 + step[1] ** 2 + 1e-3), 0, 1)
        thick = radius[0] + along * (radius[1] - radius[0])
        inside = thick**2 - (x - along * step[0]) ** 2 - (y - along * step[1]) ** 2
        rod = np.where(inside > 0, start[2] + along * step[2] + np.sqrt(np.abs(inside)), -np.inf)
        patch = height[low[1] : high[1], low[0] : high[0]]
        np.maximum(patch, rod, out=patch)
    return height


def background(stray):
    """An unevenly lit wall, (CANVAS, CANVAS, 3) float32 RGB, about 120 to 290."""
    corners = 205 + stray("wall") + stray("tint", 3) + stray("uneven", (2, 2, 1))
    return enlarged((corners + 0.3 * stray("tint", (2, 2, 3))).astype(np.float32))


def enlarged(picture):
    return cv2.resize(picture, (CANVAS, CANVAS), interpolation=cv2.INTER_CUBIC)


def skin_colour(stray):
    """An RGB colour (3,), anywhere between pale and dark brown."""
    pale, tan, dark = np.array([[238, 200, 178], [196, 140, 108], [112, 74, 56]], np.float32)
    tone = np.clip(stray("tone"), -1, 1)
    other = dark if tone > 0 else pale
    return tan + abs(tone) * (other - tan) + 0.6 * stray("tint", 3)


def place_hand(label, rng, stray):
    """Bones of a hand in the picture, (N, 8) in pixels, rows downwards; pixels per palm."""
    bones = hand_bones(*hand_joints(label, stray))
    # A ring is only seen from the side of the thumb, the other signs from the palm.
    yaw = stray("yaw") * 0.6 + 60 if label == 0 else stray("yaw")
    roll = stray("roll")
    turn = rotation(yaw, stray("pitch"), roll)
    bones[:, :3], bones[:, 3:6] = bones[:, :3] @ turn.T, bones[:, 3:6] @ turn.T
    # The forearm leaves through the lower edge whatever the turn of the hand.
    lean = np.radians(0.6 * roll + stray("lean"))
    wrist = turn @ [0, 0.06, -0.02]
    elbow = wrist + 4 * np.array([np.sin(lean), -np.cos(lean), -0.1])
    bones = np.vstack([bones, [*wrist, *elbow, 0.21, 0.36]])
    bones[:, [1, 4]] *= -1  # rows of a picture count downwards
    if rng.uniform() < 0.5:  # the other hand
        bones[:, [0, 3]] *= -1
    # The hand without its forearm lies in the picture, or almost.
    points = np.vstack([bones[:-1, :2], bones[:-1, 3:5]])
    low, high = points.min(axis=0) - 0.1, points.max(axis=0) + 0.1
    scale = CANVAS * min(0.34 * np.exp(stray("size")), 0.95 / (high - low).max())
    slack = CANVAS / scale - (high - low)
    place = (0.5 + 0.5 * stray("place", 2)) * slack - low
    bones[:, :2] += place
    bones[:, 3:5] += place
    return scale * bones, scale


def shading(height, mask, scale, light, stray):
    """Brightness of the skin, (CANVAS, CANVAS), about 0..1.2; height in palm lengths.

    Lambert's law on the slope of the heights, dimmer in hollows and creases. Dividing by
    the blurred mask leaves the wall out of the means, so that outlines stay light.
    """

    def blurred(sigma):
        masked = cv2.GaussianBlur(mask, (0, 0), sigma * scale) + 1e-3
        return cv2.GaussianBlur(height, (0, 0), sigma * scale) / masked

    smooth = blurred(0.03)
    slope = np.stack([cv2.Sobel(smooth, -1, 1, 0), cv2.Sobel(smooth, -1, 0, 1)]) * (scale / 8)
    slope = np.clip(slope, -1.2, 1.2)  # no black ring where a finger stands in front
    lambert = light[2] - light[0] * slope[0] - light[1] * slope[1]
    lambert = lambert / np.sqrt(1 + slope[0] ** 2 + slope[1] ** 2) / np.linalg.norm(light)
    hollow = np.clip(blurred(0.1) - height, 0, 0.2)
    shade = 0.3 + 0.3 * stray("shade") + 0.58 * np.clip(lambert, 0, 1)
    shade = shade - (0.6 + stray("shade")) * hollow
    # Blotches, for the lines and the flush of a real palm: not every dark patch is a thumb.
    return shade * (1 + enlarged(stray("blotch", (16, 16))))


def draw_hand(label: int, rng: np.random.Generator, variety: float = 0.4) -> np.ndarray:
    """Draw one hand that shows the sign `label` (0 to 5): uint8 (64, 64, 3), RGB in 0-255.

    The same state of `rng` gives the same picture. `variety` says how far the hand may stray from
    the mean hand of its sign: 0 not at all (but for left or right, and noise), 1 as far as the
    table `VARIETY` says. Raises ValueError for another label.
    """
    if label not in range(6):
        raise ValueError(f"there is no sign {label!r}: labels go from 0 to 5")

    def stray(name, shape=None):
        return rng.uniform(-1, 1, shape) * VARIETY[name] * variety

    bones, scale = place_hand(label, rng, stray)
    height = height_map(bones)
    mask = np.isfinite(height).astype(np.float32)
    height = np.where(mask > 0, height / scale, 0).astype(np.float32)
    light = np.array([stray("light"), 0.5 * stray("light") - 0.4, 1])  # towards the lamp
    shade = shading(height, mask, scale, light, stray)
    skin = skin_colour(stray) * np.clip(shade, 0.15, 1.15)[..., None]
    # Cast shadow: the outline, moved away from the light and blurred.
    shift = np.float32([[1, 0, -light[0] * 0.4 * scale], [0, 1, (0.2 + stray("shadow")) * scale]])
    shadow = cv2.warpAffine(mask, shift, (CANVAS, CANVAS))
    shadow = cv2.GaussianBlur(shadow, (0, 0), sigmaX=0.25 * scale, sigmaY=0.12 * scale)
    wall = background(stray) * (1 - (0.35 + stray("shadow")) * shadow)[..., None]
    picture = np.where(mask[..., None] > 0, skin, wall)
    picture = cv2.resize(picture.astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    picture += rng.normal(0, 1.5, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)
