"""What several lessons share. In brackets the lesson that builds it; the others are plumbing.

data        Fashion-MNIST and CIFAR-10, as torchvision's classes and as tensors
signs       the pictures of hands, read from their folder ("The SIGNS dataset and DataLoader")
batches     batches from memory, the split for validation, augmentation ("Fashion-MNIST")
models      all networks, and what shape each layer makes ("A network for SIGNS" and later ones)
training    fit, evaluate, predict; weights saved and loaded ("A network for SIGNS")
muon        the optimizer Muon, for convolutions ("CIFAR-10 at speed")
results     what a training gave, counted and drawn; `recorded` reads the folder of that name
plotting    pictures and numbers as figures, with a text for those who cannot see them; colours
machine     the device, the seed, the memory, and a report of what is there

lessons/    what one lesson alone uses, by its topic
checks/     the checks of the exercises: an engine, and a table for each lesson
recorded/   results that the scripts in benchmarks/ wrote, and the seconds of the lessons
sources/    how pictures come to the disk; no lesson opens it. A new dataset begins in `datasets`

convnets.mplstyle is the look of the figures, which a lesson asks for.
"""
