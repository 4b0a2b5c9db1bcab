"""What is only said to people is no part of how a product was made; what somebody hears and decides by, is."""

import pytest

from tests.code_tree import Tree

HEAD = """
    import asyncio, logging, os, sys, warnings
    from dataclasses import dataclass
    from pathlib import Path
    from sepmodels.errors import Bare, Deep, Fault, Sized, LOUD, unknown
    from sepmodels.marks import no_part_of_a_result, speed_only, words_only
    from sepmodels.progress import Job, Progress, Say
    LOG = logging.getLogger(__name__)
    def draw():
        return next(os.urandom)
    def counted():
        return 1
    @words_only
    def told(size):
        return f"{size} of them"
"""
FILES = {
    "sepmodels/__init__.py": "",
    "sepmodels/errors.py": '''
        import logging
        from sepmodels.marks import words_only
        LOUD = logging.getLogger("loud")
        class Fault(Exception):
            """A fault."""
        class Deep(Fault):
            pass
        class Bare(Exception): ...
        class Sized(Exception):
            def __init__(self, size):
                self.size = size
        @words_only
        def unknown(kind) -> Fault:
            return Fault(f"There is no {kind}.")
    ''',
    "sepmodels/progress.py": """
        from dataclasses import dataclass
        from typing import Protocol
        from sepmodels.marks import words_only
        @words_only
        class Progress(Protocol):
            def __call__(self, done, unit): ...
        @words_only
        class Say(Protocol):
            def __call__(self, sentence): ...
        @dataclass
        class Job:
            say: Say
            log: object
    """,
}


class SaidTree(Tree):
    """The small project, with one function ``work`` in ``assets/work.py``."""

    files = FILES

    def says(self, work: str, old: str, new: str) -> list[str]:
        """What is told to have changed of ``work`` when it says something else."""
        assert old in work
        head = self.dedented(HEAD)
        self.write("assets/work.py", f"{head}\n{work}")
        before = self.version("assets.work:work", extra_roots=())
        self.write("assets/work.py", f"{head}\n{work.replace(old, new)}")
        return self.difference(before, "assets.work:work", extra_roots=())


@pytest.fixture
def tree(tmp_path):
    return SaidTree(tmp_path)


ONLY_SAID = {
    "a message": "def work(x):\n    raise Fault('WORD')",
    "a message with values": "def work(x):\n    raise Fault(f'WORD {x.size:.1f} {len(x)} {x[0] + 1}')",
    "a message from an error": "def work(x):\n    raise Fault('WORD') from x",
    "a message that lists": "def work(x):\n    raise Fault('WORD' + ', '.join(sorted(str(one) for one in x)))",
    "a message of an error without anything of its own": "def work(x):\n    raise Deep('WORD', x)",
    "a message of a built-in error": "def work(x):\n    raise ValueError('WORD')",
    "a message of an error imported in the function": (
        "def work(x):\n    from sepmodels.errors import Fault as F\n    raise F('WORD')"
    ),
    "a message that says another": (
        "def work(x):\n    try:\n        x()\n    except Fault as f:\n        raise Deep(f'WORD {f}')"
    ),
    "a message that another says": (
        "def work(x):\n    try:\n        raise Fault('WORD')\n    except Fault as f:\n        raise Deep(f'{f}') from f"
    ),
    "a message whose error only its type decides by": (
        "def work(x):\n    try:\n        raise Fault('WORD')\n    except Exception as f:\n"
        "        if not isinstance(f, Deep):\n            raise\n        LOG.info('%s', type(f).__name__)"
    ),
    "a message read by what decides speed": (
        "@speed_only\ndef small(error):\n    return 'memory' in str(error)\n"
        "def work(x):\n    try:\n        raise Fault('WORD')\n    except Fault as f:\n        return small(f)"
    ),
    "a message that is kept to be shown": (
        "def work(x):\n    try:\n        raise Fault('WORD')\n    except Fault as f:\n        x.append(words_only(f))"
    ),
    "words of a function that makes an error": "def work(x):\n    raise unknown('WORD')",
    "words of a function that makes words": "def work(x):\n    raise Fault(told('WORD'))",
    "an assertion's message": "def work(x):\n    assert x, f'WORD {x}'",
    "a log": "def work(x):\n    LOG.info('WORD %s', x)",
    "a log's level": "def work(x):\n    LOG.info('%s', x)#WORD",
    "a log of another module": "def work(x):\n    LOUD.warning('WORD')",
    "a log by the module": "def work(x):\n    logging.info('WORD')",
    "a log of a logger at hand": "def work(x):\n    logging.getLogger(__name__).warning('WORD')",
    "a warning": "def work(x):\n    warnings.warn('WORD')",
    "progress": "def work(x, progress: Progress):\n    progress(x, 'WORD')",
    "progress from a function within": (
        "def work(x, progress: Progress):\n    def inner():\n        progress(x, 'WORD')\n    return inner"
    ),
    "a sentence": "def work(x, say: Say):\n    say('WORD')",
    "a sentence to a job": "def work(job: Job):\n    job.say('WORD')",
    "a sentence of one's own job": (
        "@dataclass\nclass Work:\n    say: Say\n    def run(self):\n        self.say('WORD')\n"
        "def work(x):\n    return Work(x).run()"
    ),
    "a note": (
        "class Work:\n    @words_only\n    def note(self, words):\n        self.notes.append(words)\n"
        "    def run(self):\n        self.note(f'WORD {self.size}')\ndef work(x):\n    return Work().run()"
    ),
    "words that are marked where they stand": "def work(x):\n    return words_only(f'WORD {x}')",
}


@pytest.mark.parametrize("work", ONLY_SAID.values(), ids=ONLY_SAID)
def test_what_is_only_said_does_not_count(tree, work):
    assert tree.says(work, "WORD", "word") == []


@pytest.mark.parametrize(
    ("old", "new"),
    [("pass", "LOG.info('Here.')"), ("LOG.info('There.')", "LOG.warning('There.')"), ("told(x)", "str(x)")],
    ids=["a log more", "another level", "other words"],
)
def test_saying_more_or_otherwise_does_not_count(tree, old, new):
    assert tree.says("def work(x):\n    pass\n    LOG.info('There.')\n    return words_only(told(x))", old, new) == []


def test_what_only_makes_words_may_change_unless_it_gives_another_error(tree):
    work = "def work(x):\n    raise unknown(x)"
    assert tree.says(work, "work(x)", "work(x, y=1)") != []
    before = tree.version("assets.work:work", extra_roots=())
    tree.edit("sepmodels/errors.py", "There is no {kind}.", "{kind!r} is unknown.")
    assert tree.difference(before, "assets.work:work", extra_roots=()) == []
    tree.edit("sepmodels/errors.py", "unknown(kind) -> Fault", "unknown(kind) -> Bare")
    assert tree.difference(before, "assets.work:work", extra_roots=()) != []


HEARD = {
    "a handler that looks for a word": "if 'WORD' in str(f):\n            return 1",
    "a handler that looks at what was given": "return f.args",
    "a handler that hands it on": "return counted(f)",
    "a handler that keeps it": "x.append(f)",
    "a handler that gives it": "return f",
    "a handler that names it anew": "g = f\n        return str(g)",
}
ASKS = {
    "what the interpreter knows": "except Fault:\n        return str(sys.exc_info()[1])",
    "a class above": "except Exception as f:\n        return str(f)",
    "one of several": "except (KeyError, Fault) as f:\n        return str(f)",
    "what is not known": "except x.errors as f:\n        return str(f)",
}


@pytest.mark.parametrize("handler", HEARD.values(), ids=HEARD)
def test_a_message_that_a_handler_reads_counts(tree, handler):
    work = f"def work(x):\n    try:\n        raise Fault('A WORD')\n    except Fault as f:\n        {handler}"
    assert tree.says(work, "A WORD", "no word") == ["assets/work.py changed (function `work`)"]


def test_a_message_that_is_heard_in_the_message_of_another_error_counts(tree):
    inner = (
        "        try:\n            raise Fault('A WORD')\n        except Fault as f:\n            raise Bare(str(f))\n"
    )
    work = f"def work(x):\n    try:\n{inner}    except Bare as g:\n        return str(g)"
    assert tree.says(work, "A WORD", "no word") == ["assets/work.py changed (function `work`)"]


@pytest.mark.parametrize("clause", ASKS.values(), ids=ASKS)
def test_a_message_counts_by_whatever_name_it_is_caught(tree, clause):
    work = f"def work(x):\n    try:\n        raise Fault('WORD')\n    {clause}"
    assert tree.says(work, "WORD", "word") == ["assets/work.py changed (function `work`)"]


def test_a_message_counts_where_another_function_reads_it_however_far_away(tree):
    reader = "def read(f):\n    try:\n        return f()\n    except Fault as e:\n        return len(str(e))"
    tree.write("sepmodels/reader.py", f"from sepmodels.errors import Fault\n{reader}")
    fails = "def fails():\n    raise Deep('WORD')"
    work = f"from sepmodels.reader import read\n{fails}\ndef work(x):\n    return read(fails)"
    assert tree.says(work, "WORD", "word") == ["assets/work.py changed (function `fails`)"]


def test_a_message_counts_where_a_context_manager_is_told_of_it(tree):
    told = "    def __exit__(self, kind, error, trace):\n        return 'x' in str(error)\n"
    ear = f"class Ear:\n    def __enter__(self): ...\n{told}"
    work = f"{ear}def work(x):\n    with Ear():\n        raise Fault('WORD')"
    assert tree.says(work, "WORD", "word") == ["assets/work.py changed (function `work`)"]


def test_the_words_of_a_function_that_makes_an_error_count_where_the_error_is_heard(tree):
    work = "def work(x):\n    try:\n        raise unknown('WORD')\n    except Fault as f:\n        return str(f)"
    assert tree.says(work, "WORD", "word") == ["assets/work.py changed (function `work`)"]


DECIDES = {
    "the type of an error": ("def work(x):\n    raise Fault('w')", "Fault", "Deep"),
    "when an error is raised": ("def work(x):\n    if x > 1:\n        raise Fault('w')", "x > 1", "x > 2"),
    "what an error holds": ("def work(x):\n    raise Sized(1)", "Sized(1)", "Sized(2)"),
    "the number of an error of the system": ("def work(x):\n    raise OSError(2, 'w')", "2", "13"),
    "the status of an exit": ("def work(x):\n    raise SystemExit(1)", "(1)", "(2)"),
    "a value bound in a message": ("def work(x):\n    LOG.info('%s', y := 1)\n    return y", ":= 1", ":= 2"),
    "a call in a log": ("def work(x):\n    LOG.info('%s', draw())", "draw()", "counted()"),
    "a method called in a log": ("def work(x):\n    LOG.info('%s', x.next())", "x.next()", "x.size"),
    "what a log goes through": ("def work(x):\n    LOG.info('%s', list(x))", "list(x)", "x"),
    "what a log loops over": ("def work(x):\n    LOG.info('%s', [y for y in x])", "[y for y in x]", "x"),
    "a file moved in a log": ("def work(x):\n    LOG.info('%s', x.replace('b'))", "'b'", "'c'"),
    "what is waited for": ("async def work(x):\n    LOG.info('%s', await x)", "await x", "x"),
    "a call in a note": ("def work(x, say: Say):\n    say(draw())", "draw()", "'w'"),
    "a built-in function of one's own": (
        "def str(x):\n    return x.pop()\ndef work(x):\n    LOG.info(str(x))",
        "str(x))",
        "x)",
    ),
    "an error of one's own": ("def work(x, Fault):\n    raise Fault(1)", "Fault(1)", "Fault(2)"),
    "a logger of one's own": ("def work(x, LOG):\n    LOG.info(1)", "(1)", "(2)"),
    "what is like a logger": ("LOG = open('a')\ndef work(x):\n    LOG.info(1)", "(1)", "(2)"),
    "a value that is used": ("def work(x, say: Say):\n    return say(1)", "say(1)", "say(2)"),
    "a callable that is not marked": ("def work(x, log):\n    log(1)", "log(1)", "log(2)"),
    "a field that is not marked": ("def work(job: Job):\n    job.log(1)", "log(1)", "log(2)"),
    "progress that is bound anew": ("def work(x, say: Say):\n    say = x\n    say(1)", "say(1)", "say(2)"),
    "words marked by another mark": (
        "from sepmodels.words import words_only as w2\ndef work(x):\n    return w2(1)",
        "w2(1)",
        "w2(2)",
    ),
    "a call in words that are marked": ("def work(x):\n    return words_only(draw())", "draw()", "counted()"),
}


@pytest.mark.parametrize(("work", "old", "new"), DECIDES.values(), ids=DECIDES)
def test_what_cannot_be_shown_to_be_only_said_counts(tree, work, old, new):
    assert any("function `work`" in said for said in tree.says(work, old, new))


@pytest.mark.parametrize(
    ("work", "ear"),
    [("LOG.info('WORD')", "logging.getLogger().addHandler(x)"), ("warnings.warn('WORD')", "warnings.simplefilter(x)")],
)
def test_a_log_or_a_warning_that_the_project_itself_hears_counts(tree, work, ear):
    assert tree.says(f"def work(x):\n    {ear}\n    {work}", "WORD", "word") == [
        "assets/work.py changed (function `work`)"
    ]
