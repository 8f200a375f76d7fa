"""What a user may decide about cases and values that are not there."""

from typing import Literal

MissingPolicy = Literal["error", "worst", "background", "skip"]
UndefinedPolicy = Literal["skip", "worst", "best", "fail"]
