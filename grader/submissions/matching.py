"""Who on the roster each submission is of: nothing is guessed, and all of a group have a row."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from grader.records import Submission
from grader.submissions.choose import decided
from grader.submissions.found import Question, RosterPerson, listed
from grader.submissions.identity import Who, digested
from grader.submissions.roster import Roster
from grader.text import shown

__all__ = ["Matched", "matched"]

_COUNTS, _IGNORE = "counts", "ignore"
_NAMELESS = ("participant", "anon", "submission")


@dataclass
class Matched:
    """The submissions with what the roster knows, and whoever is on one side alone.

    ``groups`` are the ids of submissions in whose place their members stand.
    """

    submissions: list[Submission] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    absent: tuple[RosterPerson, ...] = ()
    unknown: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


def matched(
    submissions: Sequence[Submission],
    roster: Roster,
    decisions: Mapping[str, str],
    whose: Mapping[str, Who],
) -> Matched:
    """Match every submission with the roster.

    Args:
        submissions: of the class.
        roster: its people.
        decisions: by the id of a question.
        whose: what the platform or a name tells, by the submission's id.
    """
    return _Matching(roster, decisions, whose, _prefixes(submissions, roster, whose)).all(
        submissions
    )


def _prefixes(
    submissions: Sequence[Submission], roster: Roster, whose: Mapping[str, Who]
) -> Counter[str]:
    """How many names end in a login, by what stands before it: ``hw3-`` of ``hw3-ada``."""
    return Counter(
        prefix
        for one in submissions
        for prefix, _ in roster.ends(_plain(whose.get(one.id, Who(one.name))))
    )


def _plain(who: Who) -> str:
    """A repository's or a folder's name, without the branch that a download adds."""
    return re.sub(r"-(main|master)$", "", who.name) if who.system in ("", "git") else ""


@dataclass
class _Matching:
    """The roster and the decisions, while submissions are matched one by one."""

    roster: Roster
    decisions: Mapping[str, str]
    whose: Mapping[str, Who]
    prefixes: Counter[str]
    found: list[Submission] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    claims: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    """By a person's place on the roster: the places of the submissions that may be theirs."""

    def all(self, submissions: Sequence[Submission]) -> Matched:
        """Everybody."""
        unknown: list[str] = []
        groups: list[str] = []
        for one in submissions:
            if members := self._members(one):
                groups.append(one.id)
                for number in members:
                    self._claim(_member(one, number, members, self.roster), number)
                continue
            hits = self._asked(one, self._hits(one))
            if not hits:
                unknown.append(one.name)
                self.found.append(one)
        self._several()
        absent = tuple(
            person for n, person in enumerate(self.roster.people) if n not in self.claims
        )
        return Matched(self.found, self.questions, absent, tuple(unknown), tuple(groups))

    def _members(self, one: Submission) -> list[int]:
        """The members, where a submission is called like a group and like no person."""
        if self.roster.named(one.name):
            return []
        if members := self.roster.group(one.name) or self.roster.group(one.login):
            return members
        name = _plain(self.whose.get(one.id, Who(one.name)))
        return [] if self.roster.ends(name) else self.roster.group_at_end(name)

    def _hits(self, one: Submission) -> list[int]:
        who = self.whose.get(one.id, Who(one.name))
        ends = self.roster.ends(_plain(who))
        if who.system == "git":
            most = max((self.prefixes[prefix] for prefix, _ in ends), default=0)
            best = {n for prefix, n in ends if self.prefixes[prefix] == most}
            return sorted(best) or self.roster.match(one.person, one.login, one.email, one.name)
        if who.system:
            return self.roster.match(one.person, one.login, one.email, one.name)
        # A folder may be called by any of these.
        best = {n for prefix, n in ends if not prefix or self.prefixes[prefix] > 1}
        for words in ((who.name, "", ""), ("", "", who.name)):
            best.update(self.roster.match(*words, ""))
        return sorted(best | set(self.roster.named(who.name)))

    def _asked(self, one: Submission, hits: list[int]) -> list[int]:
        """Take the one person, or ask; whoever is left is nobody of the roster."""
        who = self.whose.get(one.id, Who(one.name))
        people = self.roster.people
        words = f"{shown(one.name)} may be any of {len(hits)} people on the roster."
        doubt = len(hits) > 1
        if len(hits) == 1 and who.system not in ("", "git") and self._is_stranger(one, hits[0]):
            words = (
                f"{shown(one.name)} has the id of {shown(people[hits[0]].name)} on the roster, and "
                "another name: one person, or another?"
            )
            doubt = True
        if not doubt:
            for number in hits:
                self._claim(one, number)
            return hits
        options = (*(f"use {_identifier(people[n])}" for n in hits), _IGNORE)
        verdict = decided(self.decisions.get(f"{one.id}/roster", ""), options)
        if verdict == _IGNORE:
            return []
        for number, option in zip(hits, options, strict=False):
            if option == verdict:
                self._claim(one, number)
                return [number]
        self._ask(len(self.found), one, words, options)
        for number in hits:
            self.claims.setdefault(number, [])
        return hits

    def _is_stranger(self, one: Submission, number: int) -> bool:
        """Whether the platform's name has no word of the roster's: the ids are of two lists."""
        name, other = _words(one.name), _words(self.roster.people[number].name)
        own = "".join(name)
        named_alike = sum(_words(submission.name) == name for submission in self.whose.values()) > 1
        return bool(
            name
            and other
            and not named_alike
            and not own.startswith(_NAMELESS)
            and not own.endswith("participant")  # of a group, where names are hidden
            and self.roster.match(one.person, "", "", "")
            and not any(word in own for word in other)
        )

    def _claim(self, one: Submission, number: int) -> None:
        self.claims[number].append(len(self.found))
        person = self.roster.people[number]
        extension = (f"Extension, by the roster: {shown(person.allowed.extension)}.",)
        self.found.append(
            replace(
                one,
                name=person.name or one.name,
                person=one.person or person.id,
                email=one.email or person.email,
                login=one.login or person.login,
                notes=one.notes + (extension if person.allowed.extension else ()),
                allowed=person.allowed,
            )
        )

    def _ask(self, place: int, one: Submission, words: str, options: tuple[str, ...]) -> None:
        self.questions.append(Question(f"{one.id}/roster", one.name, words, options))
        asked = replace(one, question=" ".join(filter(None, [one.question, words])))
        self.found[place : place + 1] = [asked]

    def _several(self) -> None:
        """Of several submissions of one person, one counts: a person decides which."""
        for places in self.claims.values():
            verdicts = {
                place: decided(
                    self.decisions.get(f"{self.found[place].id}/roster", ""), (_COUNTS, _IGNORE)
                )
                for place in (places if len(places) > 1 else ())
            }
            chosen = [place for place, verdict in verdicts.items() if verdict == _COUNTS]
            left = [place for place, verdict in verdicts.items() if verdict != _IGNORE]
            left = chosen if len(chosen) == 1 else left
            names = listed([shown(self.found[place].id) for place in left])
            for place in verdicts:
                one = self.found[place]
                if place not in left:
                    self.found[place] = _ignored(one)
                elif len(left) > 1:
                    words = f"{shown(one.name)} on the roster has several submissions: {names}."
                    self._ask(place, one, words, (_COUNTS, _IGNORE))


def _identifier(person: RosterPerson) -> str:
    return person.id or person.email or person.login or person.name


def _member(one: Submission, number: int, members: Sequence[int], roster: Roster) -> Submission:
    """A group's submission as one member's; the id depends on the group and this member alone."""
    person = roster.people[number]
    name = person.name or _identifier(person)
    others = listed([shown(roster.people[n].name or "?") for n in members if n != number])
    together = f"Handed in by the group {shown(one.name)}"
    return replace(
        one,
        id=digested(name, f"{one.id} {_identifier(person)}"),
        name=name,
        person=person.id,
        email=person.email,
        login=person.login,
        notes=(f"{together}, with {others}." if others else f"{together}.", *one.notes),
    )


def _ignored(one: Submission) -> Submission:
    """A submission of somebody of whom another one counts: it is nobody's any more."""
    return replace(
        one,
        name=f"{one.name} (does not count)",
        files={},
        reason="Another submission of the same person counts: a person decided so.",
        question="",
        person="",
        email="",
        login="",
    )


def _words(name: str) -> list[str]:
    """The words of a name in Latin letters, without accents; those of one letter aside."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return [word for word in re.findall(r"[a-z]+", plain) if len(word) > 1]
