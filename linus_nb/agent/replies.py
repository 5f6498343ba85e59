"""From what a model wrote to what was asked for: repaired where its meaning is plain, refused where not.

Repair is our own. Of the libraries for it, those in Python are quadratic in hostile text (10,000 characters held the
loop for 4 s), and all of them close what was cut without a word of it: half a number would go to a tool.
"""

from __future__ import annotations

from linus_nb.agent.argument_replies import read_arguments
from linus_nb.agent.loose_json import json_values
from linus_nb.agent.notations import answered, spoken
from linus_nb.agent.plan_replies import read_plan
from linus_nb.agent.reply_kinds import Task, Unusable, Verdict
from linus_nb.agent.verdict_replies import read_verdict

__all__ = [
    "Task",
    "Unusable",
    "Verdict",
    "answered",
    "json_values",
    "read_arguments",
    "read_plan",
    "read_verdict",
    "spoken",
]
