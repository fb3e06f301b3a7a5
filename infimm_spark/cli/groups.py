"""Groups of options that several commands take, each one parameter of the command's function."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, get_type_hints

from infimm_spark.cli.options import (
    AcceptOption,
    ConfigOption,
    DomainOption,
    ExcludeOption,
    IndexOption,
    InputOption,
    LimitOption,
    MirrorOption,
    MoreInputs,
    OutputOption,
    RedoOption,
    ResumeOption,
    RunArgument,
    RunOption,
    SampleOption,
    SeedOption,
    SegmentOption,
    SetOption,
    SnapshotOption,
    TakeOverOption,
    UrlsOption,
    required,
)
from infimm_spark.cli.overwrite import OverwriteOption, YesOption, confirm
from infimm_spark.cli.settings import configured, given

if TYPE_CHECKING:
    from infimm_spark.config import BuildConfig

Command = Callable[..., None]


def spread(command: Command) -> Command:
    """The command with the options of a group in the place of each parameter that is a group (a
    dataclass of options); names must differ."""
    groups: dict[str, Any] = {}
    parameters: list[inspect.Parameter] = []
    own = inspect.signature(command).parameters
    for name, hint in _hints(command).items():
        if is_dataclass(hint):
            groups[name] = hint
            defaults = {field.name: field.default for field in fields(hint)}
            parameters += [_option(*of, defaults[of[0]]) for of in _hints(hint).items()]
        else:
            parameters.append(_option(name, hint, own[name].default))

    def gathered(**options: Any) -> None:
        made = {
            name: group(**{field.name: options.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**made, **options)

    functools.update_wrapper(gathered, command)
    del gathered.__wrapped__  # type: ignore[attr-defined]  # typer would look at the function itself
    gathered.__annotations__ = {one.name: one.annotation for one in parameters}
    gathered.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return gathered


def _hints(of: Any) -> dict[str, Any]:
    hints = get_type_hints(of, include_extras=True)
    hints.pop("return", None)
    return hints


def _option(name: str, hint: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)


@dataclass(slots=True)
class NewRun:
    """Where a new run goes, and its configuration."""

    output: OutputOption = None
    config: ConfigOption = None
    set_: SetOption = None


@dataclass(slots=True)
class Source:
    """What a run reads."""

    input: InputOption = None
    snapshot: SnapshotOption = None
    segment: SegmentOption = None
    sample: SampleOption = None
    seed: SeedOption = None
    limit: LimitOption = None
    exclude: ExcludeOption = None
    index: IndexOption = None
    urls: UrlsOption = None
    domain: DomainOption = None
    mirror: MirrorOption = None
    more: MoreInputs = None

    def settings(self, new: NewRun, against: list[str] | None = None) -> BuildConfig:
        """The configuration of a new run that reads this; raises `ConfigError`."""
        return configured(
            new.config,
            new.set_,
            new.output,
            against,
            paths=[*(self.input or []), *(self.more or [])],
            snapshots=self.snapshot,
            segments=self.segment,
            sample=self.sample,
            seed=self.seed,
            limit=self.limit,
            exclude=self.exclude,
            index=given(paths=self.index, urls=self.urls, domains=self.domain, mirror=self.mirror),
        )


@dataclass(slots=True)
class Start:
    """Whether a run is begun, continued or replaced, and on whose terms."""

    resume: ResumeOption = False
    overwrite: OverwriteOption = False
    yes: YesOption = False
    take_over: TakeOverOption = False
    accept_code_change: AcceptOption = False

    def confirmed(self, settings: BuildConfig) -> dict[str, bool]:
        """The arguments of `Run.begin`, once whoever is to be asked has agreed; see `confirm`."""
        confirm(settings, overwrite=self.overwrite, resume=self.resume, yes=self.yes)
        return {
            "resume": self.resume,
            "overwrite": self.overwrite,
            "take_over": self.take_over,
            "accept_code_change": self.accept_code_change,
        }


@dataclass(slots=True)
class StageRun:
    """A run of which one more stage is to be done, with what settings and on whose terms."""

    run: RunArgument = None
    config: ConfigOption = None
    set_: SetOption = None
    resume: ResumeOption = False
    accept_code_change: AcceptOption = False
    redo: RedoOption = False
    take_over: TakeOverOption = False
    run_option: RunOption = None

    @property
    def location(self) -> str:
        """The run's directory; raises `InputError`."""
        return os.path.expanduser(required(self.run, self.run_option, "RUN"))
