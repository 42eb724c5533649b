"""What the lessons hand over. Nine modules, each built in a lesson, or plumbing:

data        the datasets, as torchvision's classes and as tensors ("Fashion-MNIST")
signs       the pictures of hands ("The SIGNS dataset and DataLoader")
batches     batches from memory, the split for validation, augmentation ("Fashion-MNIST")
models      the networks, and what shape each layer makes ("A network for SIGNS")
training    the training loop, judging, weights saved and loaded ("A network for SIGNS")
muon        an optimizer ("CIFAR-10 at speed")
results     curves, counts by class, mistakes; the recorded measurements ("A network for SIGNS")
plotting    pictures and numbers as figures, with a text for those who cannot see them
machine     the device, the seed, the memory, and a report of what is there ("Start here")

lessons/    what one lesson alone uses, by its topic
checks/     the checks of the exercises: an engine, and a table for each lesson
recorded/   the results of the benchmarks
sources/    how pictures come to the disk; no lesson opens it
"""
