"""What the lessons share: data, the machine, plotting, and the checks of the exercises.

Each module is short enough to read; a lesson builds an idea in the open before it uses the helper.
"""
