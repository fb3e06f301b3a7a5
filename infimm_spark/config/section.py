"""What all sections of the configuration share: their base and the types of their values."""

from __future__ import annotations

import os
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
Location = Annotated[str, AfterValidator(os.path.expanduser)]
"""A path or URL; a leading `~` is the home directory, as in a shell."""
UserFunction = Annotated[
    str,
    Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$", examples=["my_rules:too_short"]),
]
"""`module:function`, of the user's own."""


class Section(BaseModel):
    """A section: unknown keys and other types are refused, values cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    def replaced(self, **values: Any) -> Self:
        """A copy with other values, validated: `model_copy` would take anything."""
        return type(self).model_validate({**self.model_dump(), **values})
