"""Tables, figures and a page of finished runs and studies, from the files that they left.

python -m kdiqa.report logs/train/runs/2026-01-31_12-00-00
kdiqa report experiments/real_tid2013 -o tid2013.html
kdiqa report logs/a logs/b --latex
"""

from kdiqa.report.command import main

raise SystemExit(main())
