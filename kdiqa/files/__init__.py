"""Files that survive a kill: written atomically, appended line by line, locked."""
