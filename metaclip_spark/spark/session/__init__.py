"""The Spark session: how one is built, and whether one that the user brings can be used."""

from metaclip_spark.spark.session.build import build_session, open_session
from metaclip_spark.spark.session.check import check_session

__all__ = ["build_session", "check_session", "open_session"]
