"""What the server can do, in our words: tasks, layouts, channels, notices, limits, and the ports that they need.

Decides; opens no socket and no file. Time comes from a `Clock` handed in.
"""
