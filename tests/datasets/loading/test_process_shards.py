import pytest

from stgraph.datasets.loading.batch_order import pair_batches
from stgraph.datasets.loading.process_shards import deal_out, share_of

COUNTS = [3, 1, 7, 2, 5]
TOKENS = [[10 * video + row + 3 for row in range(count)] for video, count in enumerate(COUNTS)]
FRAMES = [4, 10, 6, 1, 8]
BATCHES = pair_batches(COUNTS, batch_size=5, seed=1)


def deal(**options):
    return deal_out(BATCHES, TOKENS, FRAMES, **options)


def real_groups(share):
    return [group for group in share.groups if group[1]]


@pytest.mark.parametrize("world_size", [1, 2, 3, 7])
def test_shares_are_disjoint_complete_and_in_order(world_size):
    assert max(len({video for video, _ in batch}) for batch in BATCHES) > 2
    for batch in BATCHES:
        shares = [share_of(batch, rank, world_size) for rank in range(world_size)]
        assert sorted(group for share in shares for group in share) == sorted(batch)
        for share in shares:
            assert share == [group for group in batch if group in share]  # their order is that of the batch
        homes = [{video for video, _ in share} for share in shares]
        assert sum(map(len, homes)) == len({video for video, _ in batch})  # a video has one home
        assert max(map(len, homes)) - min(map(len, homes)) <= 1


@pytest.mark.parametrize("world_size", [1, 2, 5])
@pytest.mark.parametrize("accumulate", [1, 3])
def test_totals_are_those_of_the_batches_of_a_step_taken_as_one(accumulate, world_size):
    assert len(BATCHES) % 3  # the last step is short
    for rank in range(world_size):
        shares = deal(accumulate=accumulate, rank=rank, world_size=world_size)
        assert len(shares) == len(BATCHES)
        for place, share in enumerate(shares):
            start = place - place % accumulate
            as_one = [pair for batch in BATCHES[start : start + accumulate] for pair in batch]
            totals = share.totals
            assert totals.batches == len(BATCHES[start : start + accumulate])
            assert totals.pairs == sum(len(rows) for _, rows in as_one)
            assert totals.tokens == sum(TOKENS[video][row] for video, rows in as_one for row in rows)
            assert totals.frames == sum(FRAMES[video] for video in {video for video, _ in as_one})
            assert totals.batch_pairs == sum(len(rows) for _, rows in BATCHES[place])


@pytest.mark.parametrize("world_size", [1, 2, 5])
def test_the_frames_of_a_video_count_once_in_a_step(world_size):
    by_rank = [deal(accumulate=3, rank=rank, world_size=world_size) for rank in range(world_size)]
    for start in range(0, len(BATCHES), 3):
        step = [share for shares in by_rank for share in shares[start : start + 3]]
        owned = [video for share in step for video in share.owned]
        assert len(owned) == len(set(owned))
        assert sum(FRAMES[video] for video in owned) == step[0].totals.frames
    repeated = [video for batch in BATCHES[:3] for video in {video for video, _ in batch}]
    assert len(repeated) > len(set(repeated))  # else this test would not tell


def test_a_process_without_a_share_borrows_a_video_and_counts_nothing():
    shares = [deal(rank=rank, world_size=9)[0] for rank in range(9)]
    idle = [share for share in shares if not real_groups(share)]
    assert idle
    for share in idle:
        assert share.groups == ((BATCHES[0][0][0], ()),)
        assert not share.owned
        assert share.totals == shares[0].totals
