"""What the VM tests do in the lab. world.py is what is up; each other file with a run() is one group of checks."""
