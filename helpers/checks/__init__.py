"""The checks of the exercises: one table of mistakes a lesson, on top of `engine`.

A lesson says `from helpers.checks import pooling as check` and then, below an exercise,
`check.max_pool(max_pool)`. `check.max_pool.hint()` prints a first step.
"""
