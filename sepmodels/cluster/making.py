"""Have parts made by an engine: hear what they tell, begin again what was lost, end them with the head."""

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from sepmodels.cluster.ending import SAVE_SECONDS, clear_other_parts, end_jobs
from sepmodels.cluster.engine import Away, Engine, Shipped, Unreached
from sepmodels.cluster.engines import engine_of
from sepmodels.cluster.going import Going, Refused, going
from sepmodels.cluster.outputs import printed
from sepmodels.cluster.part import Part, Record, Result
from sepmodels.cluster.settings import ClusterSettings
from sepmodels.errors import UserError
from sepmodels.machine.signals import held_signals

LOOK_SECONDS = 0.5
ASK_SECONDS = 3.0  # between questions to the engine
OUTPUTS = Path("/tmp")  # of workers that do not see the head's disk
RESULT_SECONDS = 10.0  # after a job's end, until a network disk shows what it wrote
AWAY_SECONDS = 60.0  # of an engine that does not answer, until a person is told
REFUSED_SECONDS = 600.0  # of an engine that answers, and does not take a part: an attempt in vain


class Hears(Protocol):
    """Whoever is told of parts while they are made."""

    def log(self, part: Part, figures: Mapping[str, float], step: int) -> None:
        """Figures of a step of that part."""

    def progress(self, done: int, total: int, unit: str, **figures: float) -> None:
        """How far all parts are together."""

    def say(self, sentence: str) -> None:
        """What is worth a line of a log."""

    def warn(self, sentence: str) -> None:
        """What a person should know at once."""


def make_parts(
    parts: Sequence[Part],
    folder: Path,
    settings: ClusterSettings,
    libraries: Mapping[str, str],
    hears: Hears,
    *,
    patience_seconds: float = math.inf,
) -> dict[str, Result]:
    """Have all parts made; gives how each ended, by its name: done, or fault with a sentence.

    folder: for their folders, on a disk that all machines share, unless the settings name object storage. What other
    parts left there is ended first. A part that an earlier head began, and that goes on, is not begun again.
    libraries: that decide the product, with the versions that workers have to have.

    An exception, such as Ctrl-C, tells all parts to save and end, and waits for them a while. Raises UserError where
    the engine cannot be used, and TimeoutError after ``patience_seconds``.
    """
    engine = engine_of(settings)
    clear_other_parts(folder, parts, settings, hears.warn)
    making = _Making(parts, folder, engine, Shipped(settings, libraries), hears)
    try:
        making.run(time.monotonic() + patience_seconds)
        with suppress(Away):  # then the next run does
            making.close()
    except BaseException:
        making.end()
        raise
    return {one.part.name: one.result for one in making.all if one.result}


class _Making:
    def __init__(self, parts: Sequence[Part], folder: Path, engine: Engine, shipped: Shipped, hears: Hears) -> None:
        self.engine, self.shipped, self.hears = engine, shipped, hears
        self.settings = shipped.settings
        self.all = [going(part, folder) for part in parts]
        self.asked_at = 0.0
        self.reasons: set[str] = set()  # why parts wait, as far as it was said
        self.answered_at = self.taken_at = time.monotonic()

    @property
    def open(self) -> list[Going]:
        return [one for one in self.all if one.result is None]

    def run(self, until: float) -> None:
        self._find_again()
        try:
            self._submit()
        except Away as fault:
            taker = f"{self.engine.name} did not take the parts: " if not isinstance(fault, Unreached) else ""
            raise UserError(f"{taker}{fault}") from None
        while self.open:
            for one in self.open:
                self._hear(one)
            if time.monotonic() - self.asked_at >= ASK_SECONDS:
                self._ask()
            if time.monotonic() > until:
                raise TimeoutError
            time.sleep(LOOK_SECONDS)

    def _find_again(self) -> None:
        """The parts that an earlier head began, and that go on."""
        records = {one.part.name: one.folder.record() for one in self.all if one.folder.is_of(one.part)}
        jobs = {name: found.job for name, found in records.items() if found and found.engine == self.engine.name}
        try:
            going_on = self.engine.states(set(jobs.values())) if jobs else {}
        except Away as fault:
            raise UserError(f"{self.engine.name} does not answer: {fault}") from None
        for one in self.all:
            if (job := jobs.get(one.part.name)) in going_on:
                one.job, one.is_to_begin = str(job), False
                one.order.hear_anew()
                self.hears.warn(f"{one.part.name} goes on in {self.engine.name}'s job {job}, begun before.")

    def _submit(self) -> None:
        """Begin the parts that are to begin, together as far as they need the same. Raises :class:`Away`."""
        chosen = [one for one in self.open if one.is_to_begin]
        for needs in dict.fromkeys(one.part.needs for one in chosen):
            alike = [one for one in chosen if one.part.needs == needs]
            for one in alike:
                one.order.close(self.hears.warn)
                if not one.job:  # an attempt tells the whole curve, if it goes on from an earlier head's
                    one.folder.events.unlink(missing_ok=True)
                one.folder.write(one.part)
            command = self.shipped.command(self.engine.follows)
            words, outputs = [str(one.folder.path) for one in alike], alike[0].folder.path.parent
            if url := self.settings.storage.url:
                words, outputs = [one.order.send(one.part, url, self.hears.say) for one in alike], OUTPUTS
            with held_signals():  # what has begun is known here
                try:
                    jobs = self.engine.submit(words, outputs, needs, command)
                except Away as fault:
                    raise Refused(alike, fault) from None
                for one, job in zip(alike, jobs, strict=True):
                    one.job, one.heard_at, one.gone_at, one.why_silent = job, None, None, ""
                    one.is_to_begin = False
                    one.folder.keep_record(Record(self.engine.name, job))
            self.hears.say(f"Handed to {self.engine.name}: {', '.join(f'{o.part.name} as {o.job}' for o in alike)}.")

    def _hear(self, one: Going) -> None:
        """Pass on what a part has told, and note how it ended."""
        for event in one.tail.news():
            one.heard_at = time.monotonic()
            self._pass_on(one, event)
        if one.job and (found := one.folder.result()):
            if found.outcome in ("done", "fault"):
                self._hear_rest(one)
                one.result = found
            elif one.gone_at is None:
                one.gone_at = time.monotonic()

    def _hear_rest(self, one: Going) -> None:
        for event in one.tail.news():
            self._pass_on(one, event)

    def _pass_on(self, one: Going, event: Mapping[str, Any]) -> None:
        if "begun" in event:
            self.hears.say(f"{one.part.name} runs on {event['begun']}.")
        elif "sentence" in event:
            self.hears.say(f"{one.part.name}: {event['sentence']}")
        elif "step" in event:
            if event["figures"]:
                self.hears.log(one.part, event["figures"], event["step"])
        else:
            one.total, one.unit, one.figures = (event[name] for name in ("total", "unit", "figures"))
            one.come_to(event["done"])
            total = max(other.total for other in self.all)
            whole = sum(other.total or total for other in self.all)
            self.hears.progress(sum(other.done for other in self.all), whole, one.unit, **one.figures)

    def _ask(self) -> None:
        """Ask the engine what goes on, and begin again what has ended without a result."""
        self.asked_at = now = time.monotonic()
        try:
            for one in self.open:
                one.order.hear()
            self._look(now)
            self._submit()
        except Away as fault:
            self._wait(fault, now)
            return
        self.answered_at = self.taken_at = now

    def _wait(self, fault: Away, now: float) -> None:
        """Say now and then why parts wait, and give up those that the engine goes on to refuse."""
        refused = fault.parts if isinstance(fault, Refused) else []
        if now - self.answered_at > AWAY_SECONDS:
            self.answered_at = now
            self.hears.warn(self._why_they_wait(fault, [one.part.name for one in refused]))
        if not refused:
            self.taken_at = now
        elif now - self.taken_at > REFUSED_SECONDS:
            self.taken_at = now
            for one in refused:
                one.lose(f"{self.engine.name} did not take it: {fault}", "", self.settings.retries)

    def _why_they_wait(self, fault: Away, refused: Sequence[str]) -> str:
        if isinstance(fault, Unreached):
            return f"{fault} It is asked again."
        does_not = f"take {', '.join(refused)}" if refused else "answer"
        return f"{self.engine.name} does not {does_not}, and is asked again: {fault}"

    def _look(self, now: float) -> None:
        """Find what has ended without a result, and end what is silent. Raises :class:`Away`."""
        chosen = [one for one in self.open if not one.is_to_begin]
        states = self.engine.states({one.job for one in chosen})
        for one in chosen:
            state, reason = states.get(one.job, ("gone", ""))
            if state == "gone":
                one.gone_at = one.gone_at or now
                result = one.folder.result()
                if result is not None or now - one.gone_at > RESULT_SECONDS:
                    one.order.hear()
                    one.is_to_begin = self._is_to_begin_again(one, one.folder.result())
                continue
            one.gone_at = None
            if state == "waiting" and reason not in ("", "None", *self.reasons):
                self.reasons.add(reason)
                self.hears.warn(f"{one.part.name} waits in {self.engine.name}'s queue: {reason}.")
            if state == "running":
                one.heard_at = one.heard_at or now
            self._end_if_silent(one, now)

    def _end_if_silent(self, one: Going, now: float) -> None:
        limit = 60 * self.settings.silent_minutes
        if one.heard_at is None or now - one.heard_at <= limit:
            return
        at_once = bool(one.why_silent)  # it was told before, and has not ended
        one.why_silent = f"it told nothing for {self.settings.silent_minutes:g} minutes"
        one.heard_at = now - limit + SAVE_SECONDS
        with suppress(Away):  # it is told again
            self.engine.cancel([one.job], at_once=at_once)

    def _is_to_begin_again(self, one: Going, result: Result | None) -> bool:
        """Whether a part that has ended without being made is begun again; if not, its result says why."""
        self._hear(one)
        if one.result:
            return False
        told_to_end = result is not None and result.outcome == "stopped" and not one.why_silent
        told = one.why_silent or (result.sentence if result else "")
        why = told or self._without_a_word()
        if told_to_end:
            why = f"{self.engine.name} told it to end"
        outputs = OUTPUTS if self.settings.storage.url else one.folder.path.parent
        where = printed(self.engine.name, one.job, outputs, is_told=bool(told))
        one.lose(why, where, self.settings.retries)
        if one.result:
            return False
        self.hears.warn(f"{one.part.name} is begun again: {why}.")
        return True

    def _without_a_word(self) -> str:
        url = self.settings.storage.url
        return f"it ended without a word: killed, most likely{f', or it does not reach {url}' if url else ''}"

    def end(self) -> None:
        """Tell the parts that go on to save and end, and wait for that a while."""
        jobs = {one.job for one in self.open if not one.is_to_begin}
        with held_signals():
            try:
                if jobs:
                    end_jobs(self.engine, jobs)
                self.close()
            except (Away, UserError) as fault:
                self.hears.warn(f"Parts could not be ended, because {self.engine.name} does not answer: {fault}")

    def close(self) -> None:
        """Leave nothing in object storage but files that parts read. Raises :class:`Away`."""
        for one in self.all:
            one.order.close(self.hears.warn)
