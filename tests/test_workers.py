"""Batches on threads of their own: in order, bounded, and a failure is not swallowed."""

import threading

import pytest
import torch

from infogan.workers import AHEAD, each_on_one_thread

CPU = torch.device("cpu")


@pytest.fixture
def two_threads():
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


def test_results_come_in_order_each_from_one_thread(two_threads):
    def look(i):
        return i, torch.get_num_threads(), threading.get_ident()

    found = list(each_on_one_thread(look, range(50), CPU))
    assert [i for i, _, _ in found] == list(range(50))
    assert {n for _, n, _ in found} == {1}
    assert threading.get_ident() not in {who for _, _, who in found}
    assert torch.get_num_threads() == 2  # the caller's own stay as they were


def test_items_are_taken_as_they_are_needed(two_threads):
    taken = []

    def items():
        for i in range(100):
            taken.append(i)
            yield i

    results = each_on_one_thread(lambda i: i, items(), CPU)
    next(results)
    assert len(taken) <= 2 * AHEAD + 1
    results.close()
    assert list(each_on_one_thread(lambda i: i, [], CPU)) == []


def test_a_failure_is_raised_where_the_results_are_read():
    def fail(i):
        raise ValueError(f"item {i}")

    with pytest.raises(ValueError, match="item 0"):
        list(each_on_one_thread(fail, range(5), CPU))
