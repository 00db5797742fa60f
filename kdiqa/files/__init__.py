"""Files that survive a kill: written whole, appended line by line, locked."""
