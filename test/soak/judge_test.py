from judge import Sample, judge_descriptors, judge_memory


def samples(rss, descriptors=lambda at: 20):
    return [Sample(at, int(rss(at)), descriptors(at)) for at in range(0, 600, 2)]


def test_what_comes_and_goes_is_flat():
    assert judge_memory(samples(lambda at: 20_000 + 800 * (at % 7))).flat


def test_what_is_loaded_at_first_is_flat():
    assert judge_memory(samples(lambda at: min(20_000, 8_000 + 100 * at))).flat


def test_slow_leak_is_seen():
    assert not judge_memory(samples(lambda at: 20_000 + 3.5 * at)).flat


def test_descriptors_that_are_never_closed_are_seen():
    assert not judge_descriptors(samples(lambda at: 20_000, lambda at: 20 + at // 20)).flat
    assert judge_descriptors(samples(lambda at: 20_000, lambda at: 20 + at % 9)).flat
