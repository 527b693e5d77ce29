"""What is alike in a catalogue, one kind of knowledge a file."""

from likewise.data.relevance.base import SPLITS, Relevance, Units, Unknown
from likewise.data.relevance.behaviour import Behaviour
from likewise.data.relevance.events import Events, Trust
from likewise.data.relevance.feedback import LoggedFeedback
from likewise.data.relevance.groups import Groups
from likewise.data.relevance.judgements import Judgements
from likewise.data.relevance.links import Links
from likewise.data.relevance.pairs import Pairs
from likewise.data.relevance.visits import Visits

__all__ = [
    "SPLITS",
    "Behaviour",
    "Events",
    "Groups",
    "Judgements",
    "Links",
    "LoggedFeedback",
    "Pairs",
    "Relevance",
    "Trust",
    "Units",
    "Unknown",
    "Visits",
]
