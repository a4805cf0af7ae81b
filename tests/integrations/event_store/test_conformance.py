"""The `eventsourcing` library's own conformance suites, over our commits and ledger on a real MongoDB."""

import itertools
import os
from typing import Any

import pytest
from eventsourcing.persistence import InfrastructureFactory
from eventsourcing.tests import application as application_suite
from eventsourcing.tests import persistence as suite
from eventsourcing.tests import projection as projection_suite
from eventsourcing.utils import Environment

from tests.integrations.event_store.library_view import (
    MongoAggregateRecorder,
    MongoApplicationRecorder,
    MongoFactory,
    MongoProcessRecorder,
    MongoTrackingRecorder,
    Portal,
    Recording,
    _connect,
)

pytestmark = pytest.mark.filterwarnings("always:'log' is deprecated:DeprecationWarning")
MODULE = "tests.integrations.event_store.library_view"
_numbers = itertools.count()


class OnMongo:
    mongodb_url: str

    @pytest.fixture(autouse=True)
    def _server(self, mongodb_url: str) -> None:
        type(self).mongodb_url = mongodb_url

    def setUp(self) -> None:
        self.portal = Portal()
        self.addCleanup(self.portal.close)  # type: ignore[attr-defined]
        client = self.portal.call(_connect(self.mongodb_url))
        self.addCleanup(lambda: self.portal.call(client.close()))  # type: ignore[attr-defined]
        self.name = f"conformance{next(_numbers)}"
        self.addCleanup(lambda: self.portal.call(client.drop_database(self.name)))  # type: ignore[attr-defined]
        self.database = client[self.name]
        for name, value in (
            ("PERSISTENCE_MODULE", MODULE),
            ("MONGODB_URL", self.mongodb_url),
            ("MONGODB_NAME", self.name),
        ):
            os.environ[name] = value
            self.addCleanup(os.environ.pop, name, None)  # type: ignore[attr-defined]
        super().setUp()  # type: ignore[misc]

    def recording(self) -> Recording:
        return self.portal.call(Recording(self.database).prepare())


class TestAggregateRecorder(OnMongo, suite.AggregateRecorderTestCase):
    def create_recorder(self) -> MongoAggregateRecorder:
        return MongoAggregateRecorder(self.portal, self.recording())


class TestApplicationRecorder(OnMongo, suite.ApplicationRecorderTestCase):
    def create_recorder(self) -> MongoApplicationRecorder:
        return MongoApplicationRecorder(self.portal, self.recording())

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestTrackingRecorder(OnMongo, suite.TrackingRecorderTestCase):
    def create_recorder(self) -> MongoTrackingRecorder:
        return MongoTrackingRecorder(self.portal, self.recording())


class TestProcessRecorder(OnMongo, suite.ProcessRecorderTestCase):
    def create_recorder(self) -> MongoProcessRecorder:
        return MongoProcessRecorder(self.portal, self.recording())


class TestPositionsDoNotInterleave(OnMongo, suite.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> MongoApplicationRecorder:
        return MongoApplicationRecorder(self.portal, self.recording())


class CountingTrackingRecorder(MongoTrackingRecorder):
    pass


class TestFactory(OnMongo, suite.InfrastructureFactoryTestCase[MongoFactory]):
    def setUp(self) -> None:
        settings = {"PERSISTENCE_MODULE": MODULE, "MONGODB_URL": self.mongodb_url}
        self.env = Environment("TestCase", {**settings, "MONGODB_NAME": "conformance_factory"})
        super().setUp()

    def expected_factory_class(self) -> type[MongoFactory]:
        return MongoFactory

    def expected_aggregate_recorder_class(self) -> type[Any]:
        return MongoAggregateRecorder

    def expected_application_recorder_class(self) -> type[Any]:
        return MongoApplicationRecorder

    def expected_tracking_recorder_class(self) -> type[Any]:
        return MongoTrackingRecorder

    def tracking_recorder_subclass(self) -> type[Any]:
        return CountingTrackingRecorder

    def expected_process_recorder_class(self) -> type[Any]:
        return MongoProcessRecorder


class TestExampleApplication(OnMongo, application_suite.ExampleApplicationTestCase):
    expected_factory_topic = f"{MODULE}:MongoFactory"


class TestApplication(OnMongo, application_suite.ApplicationTestCase):
    pass


class TestEventSourcedProjection(OnMongo, projection_suite.EventSourcedProjectionTestCase):
    pass


def test_the_factory_asks_for_a_database_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MONGODB_URL", raising=False)
    with pytest.raises(OSError, match="MONGODB_URL"):
        InfrastructureFactory.construct(Environment("x", {"PERSISTENCE_MODULE": MODULE}))
