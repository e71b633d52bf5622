#include <set>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gmock/gmock.h>

#include "operator/commands/reasons.hpp"
#include "test/unit/commands/workshop.hpp"

// describe and events: what people read, letter by letter.
namespace rop::commands {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;

using Describe = Workshop;
using Events = Workshop;

TEST_F(Describe, TellsEverything) {
    declare();
    publish(ready());
    elect();
    const std::vector<Event> happened{{.time = ago(minutes(5)),
                                       .first_time = ago(minutes(6)),
                                       .count = 2,
                                       .type = EventType::warning,
                                       .reason = "Retried",
                                       .message = "MEET was lost"},
                                      {.time = ago(minutes(5)),
                                       .first_time = ago(minutes(5)),
                                       .count = 1,
                                       .type = EventType::normal,
                                       .reason = "Formed",
                                       .message = "3 shards"}};
    consul_.put(key(cache, "events"), json::write_events(happened));

    const Outcome outcome = run(describe(tools(), cache));

    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(outcome.out, R"(Name       cache
Mode       cluster, redis 7.0.15
Phase      Ready (AsDeclared): 3 primaries, 3 replicas, 16384 slots served
Declared   3 primaries with 1 replica each, service redis-cache, Nomad redis-cache/redis
Slots      16384 assigned, 16384 served
Leader     host-1, epoch 4; status written 12s ago

Conditions
  TYPE            STATUS  SINCE  REASON           MESSAGE
  Formed          True    5m     AsDeclared       formed
  ReplicasInSync  False   3s     ReplicasMissing  1 replica is not in sync

What it means
  ReplicasInSync (ReplicasMissing): Primaries have fewer replicas in sync than the spec declares.
    next: wait for the sync if instances are syncing or loading; else start the missing ones: nomad job status redis-cache

Shards
  PRIMARY   SLOTS        REPLICAS
  aaaaaaa0  0-5460       bbbbbbb0
  aaaaaaa1  5461-10922   bbbbbbb1
  aaaaaaa2  10923-16383  bbbbbbb2 (not in sync)

Instances
  INSTANCE  ROLE     STATE    ADDRESS          BUS    HOST    NODE
  aaaaaaa0  primary  ok       127.0.0.1:21000  31000  host-0  aaaaaaaa
  bbbbbbb0  replica  ok       -                -      host-0  dddddddd
  aaaaaaa1  primary  ok       127.0.0.1:21001  31001  host-1  bbbbbbbb
  bbbbbbb1  replica  ok       -                -      host-1  eeeeeeee
  aaaaaaa2  primary  ok       127.0.0.1:21002  31002  host-2  cccccccc
  bbbbbbb2  replica  loading  -                -      host-2  ffffffff

Events
  AGE  TYPE     COUNT  REASON   MESSAGE
  5m   Warning  2      Retried  MEET was lost
  5m   Normal   1      Formed   3 shards

Next: nothing to do; connect with redis-cli -c -h 127.0.0.1 -p 21000
)");
}

TEST_F(Describe, ShowsWhatIsWrongWithASpecAndWhatIsInForce) {
    declare();
    remember();
    ClusterStatus status = ready();
    declare(cache,
            R"({"version": 1, "mode": "cluster", "primaires": 5, "service": "redis-cache"})");
    publish(status);
    elect();

    const std::string text = run(describe(tools(), cache)).out;

    EXPECT_THAT(text, AllOf(HasSubstr("Declared   a spec that is not valid (2 problems)"),
                            HasSubstr("In force   the spec before: 3 primaries"),
                            HasSubstr("\nProblems\n  $.primaires"),
                            HasSubstr("Next: correct the spec and apply it again")));
}

TEST_F(Describe, SaysWhatToDoNext) {
    declare();
    EXPECT_THAT(run(describe(tools(), cache)).out,
                HasSubstr("Next: nobody leads: is a redis-operator running?"));
    publish(ready());
    stand_by("host-2");
    EXPECT_THAT(run(describe(tools(), cache)).out,
                AllOf(HasSubstr("\nLeader     nobody; status written 12s ago\n"
                                "Stand by   host-2\n"),
                      HasSubstr("Next: nobody leads; the newest word of a leader is 12s old: 1 "
                                "operator on host-2: one leads")));
    consul_.erase(key(cache, "status"));
    elect();
    EXPECT_THAT(run(describe(tools(), cache)).out,
                HasSubstr("Next: the leader has not looked at the newest spec yet"));
    ClusterStatus status = ready();
    status.phase = Phase::forming;
    status.current_operation =
        OperationStatus{.kind = "form", .done = 3, .total = 7, .since = ago(seconds(2))};
    publish(status);
    EXPECT_THAT(
        run(describe(tools(), cache)).out,
        AllOf(HasSubstr("Doing      form, 3 of 7, for 2s\n"), HasSubstr("Next: under way")));
}

TEST_F(Describe, KnowsWhatIsWrongWithASpecThatIsNotInForce) {
    elect();
    declare(cache, R"({"version": 1})");
    EXPECT_THAT(run(describe(tools(), cache)).out,
                HasSubstr("Next: correct the spec and apply it again; nothing happens before"));

    declare();
    ClusterStatus status = ready();
    status.phase = Phase::pending;
    status.conditions = {{.type = ConditionType::spec_valid,
                          .status = Truth::no,
                          .reason = "ServiceTaken",
                          .message = "cluster other has it",
                          .since = ago(seconds(2))}};
    publish(status);
    EXPECT_THAT(run(describe(tools(), cache)).out,
                HasSubstr("Next: another cluster has this service"));
}

TEST_F(Describe, IsThereForPrograms) {
    declare(cache, R"({"version": 1, "mode": "cluster", "primaries": 3, "replicasPerPrimary": 1,
                       "service": "redis-cache", "settings": {"maxmemory": "1gb"}})");
    EXPECT_THAT(run(describe(tools(), cache)).out,
                HasSubstr("Note       settings are checked and not applied yet"));
    publish(ready());
    consul_.put(key(cache, "record"), "{}");
    auto answer = boost::json::parse(run(describe(tools(Format::json), cache)).out);
    EXPECT_EQ(answer.at("spec").at("service"), "redis-cache");
    EXPECT_EQ(answer.at("status").at("phase"), "Ready");
    EXPECT_TRUE(answer.at("events").as_array().empty());
    EXPECT_TRUE(answer.at("leader").is_null());
    EXPECT_EQ(answer.at("problems").as_array().size(), 1U);

    elect();
    declare(cache, R"({"version": 1, "mode": "cluster", "primaires": 3})");
    answer = boost::json::parse(run(describe(tools(Format::json), cache)).out);
    EXPECT_TRUE(answer.at("spec").is_null());
    EXPECT_EQ(answer.at("leader"), "host-1");
    EXPECT_EQ(answer.at("problems").at(0).at("path"), "$.primaires");
}

TEST_F(Describe, ShowsWhatCannotBeRead) {
    declare();
    consul_.put(key(cache, "record"), "{}");
    consul_.put(key(cache, "status"), "not JSON");
    EXPECT_THAT(run(describe(tools(), cache)).out,
                AllOf(HasSubstr("cannot be read: record"), HasSubstr("cannot be read: status")));
}

TEST_F(Events, ListThemOldestFirst) {
    declare();
    EXPECT_EQ(run(events(tools(), cache)).err, "No events of cache yet.\n");
    EXPECT_EQ(run(events(tools(Format::json), cache)).out, "[]\n");
    const std::vector<Event> happened{{.time = ago(minutes(3)),
                                       .first_time = ago(minutes(3)),
                                       .count = 1,
                                       .type = EventType::normal,
                                       .reason = "Forming",
                                       .message = "layout written"},
                                      {.time = ago(seconds(30)),
                                       .first_time = ago(seconds(40)),
                                       .count = 4,
                                       .type = EventType::warning,
                                       .reason = "InstanceLost",
                                       .message = "a1 is gone"}};
    consul_.put(key(cache, "events"), json::write_events(happened));
    EXPECT_EQ(run(events(tools(), cache)).out, R"(AGE  TYPE     COUNT  REASON        MESSAGE
3m   Normal   1      Forming       layout written
30s  Warning  4      InstanceLost  a1 is gone
)");
}

}  // namespace
}  // namespace rop::commands
