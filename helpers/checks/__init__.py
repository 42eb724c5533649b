"""The checks of the exercises, one module a lesson, on top of ``engine``.

A lesson says ``from helpers.checks import lesson_01 as check`` and then, below an exercise,
``check.output_size(output_size)``.
"""
