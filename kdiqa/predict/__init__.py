"""Scores files and folders: ``python -m kdiqa.predict photos --model RUN -o scores.csv``."""
