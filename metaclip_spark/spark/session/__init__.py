"""Spark sessions: building a new one, and checking one that the user provides."""

from metaclip_spark.spark.session.build import build_session, open_session
from metaclip_spark.spark.session.check import check_session

__all__ = ["build_session", "check_session", "open_session"]
