"""Loading: files as people make them, understood, checked, and merged into the parts in one commit."""

from warehouse.loading.kinds import KINDS, LoadError
from warehouse.loading.loader import load
from warehouse.loading.report import Repair, Report

__all__ = ["KINDS", "LoadError", "Repair", "Report", "load"]
