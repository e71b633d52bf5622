#include <gtest/gtest.h>

#include "reconcilers/status_parts.hpp"

namespace rop::reconcilers {
namespace {

const InstanceId a{"a"};
const InstanceId b{"b"};
const InstanceId c{"c"};

void answer(Snapshot& seen, const InstanceId& id, std::int64_t offset,
            const std::string& history = "h1") {
    Instance instance;
    instance.id = id;
    instance.contact = Contact::answered;
    instance.report = InstanceReport{};
    instance.report->repl_offset = offset;
    instance.report->replid = history;
    seen.instances[id] = instance;
}

std::vector<ShardStatus> shard_of(std::vector<InstanceId> replicas) {
    ShardStatus shard;
    shard.primary = a;
    for (auto& id : replicas) {
        shard.replicas.push_back(ReplicaStatus{.instance = id, .in_sync = true});
    }
    return {shard};
}

using Lags = std::map<InstanceId, std::uint64_t>;

TEST(ReplicationLag, IsThatOfTheLastReplica) {
    Snapshot seen;
    answer(seen, a, 1'000);
    answer(seen, b, 990);
    answer(seen, c, 400);
    EXPECT_EQ(replication_lag(seen, shard_of({b, c})), (Lags{{a, 600}}));
}

TEST(ReplicationLag, IsNeverBelowZero) {
    Snapshot seen;
    answer(seen, a, 1'000);
    answer(seen, b, 1'010);  // It answered later.
    EXPECT_EQ(replication_lag(seen, shard_of({b})), (Lags{{a, 0}}));
}

TEST(ReplicationLag, ComparesNothingButWhatSharesAHistory) {
    Snapshot seen;
    answer(seen, a, 1'000);
    answer(seen, b, 1, "h2");
    EXPECT_EQ(replication_lag(seen, shard_of({b})), Lags{});
    EXPECT_EQ(replication_lag(seen, shard_of({})), Lags{});
}

TEST(ReplicationLag, NeedsTheAnswersOfBoth) {
    Snapshot seen;
    answer(seen, a, 1'000);
    answer(seen, b, 900);
    seen.instances[b].contact = Contact::timed_out;
    EXPECT_EQ(replication_lag(seen, shard_of({b, c})), Lags{});
    answer(seen, b, 900);
    seen.instances.erase(a);
    EXPECT_EQ(replication_lag(seen, shard_of({b})), Lags{});
}

}  // namespace
}  // namespace rop::reconcilers
