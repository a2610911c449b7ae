"""What an error of the recorder tells besides its sentence."""

import pickle

from recorder.base.errors import SpanOutsideBuffer


def test_a_refused_span_names_the_part_of_the_wish_at_fault_also_to_another_process() -> None:
    """Whoever asked is told what to change; the recorder may one day be asked from elsewhere."""
    refused = pickle.loads(pickle.dumps(SpanOutsideBuffer("It begins too late.", "start")))
    assert (str(refused), refused.parameter) == ("It begins too late.", "start")
    assert SpanOutsideBuffer("Nothing is there.").parameter is None
