#include <string>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gmock/gmock.h>

#include "test/unit/commands/workshop.hpp"

// get: what people read, letter by letter.
namespace rop::commands {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using Get = Workshop;

GetRequest checking() {
    GetRequest request;
    request.check = true;
    return request;
}

TEST_F(Get, DrawsATable) {
    declare();
    publish(ready());
    declare(ClusterName{"orders-eu"});
    declare(ClusterName{"wrong"}, "{}");
    elect();

    const Outcome outcome = run(get(tools(), GetRequest{}));

    EXPECT_EQ(outcome.code, ExitCode::done);
    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(outcome.out,
              R"(NAME       MODE     PRIMARIES  REPLICAS  SLOTS  PHASE    REASON       AGE
cache      cluster  3/3        2/3       16384  Ready    AsDeclared   5m
orders-eu  cluster  0/3        0/3       0      Pending  NotSeenYet   -
wrong      -        -          -         0      Pending  InvalidSpec  -
)");
}

TEST_F(Get, ColoursOnlyWhenAsked) {
    declare();
    publish(ready());
    elect();
    Toolbox coloured = tools();
    coloured.style.colours = true;
    EXPECT_THAT(run(get(coloured, GetRequest{})).out,
                HasSubstr("\x1b[32mReady\x1b[0m  AsDeclared"));
    EXPECT_THAT(run(get(tools(), GetRequest{})).out, Not(HasSubstr("\x1b")));
}

TEST_F(Get, SaysWhenNobodyLeads) {
    declare();
    publish(ready());
    const Outcome outcome = run(get(tools(), GetRequest{}));
    EXPECT_EQ(outcome.code, ExitCode::done);
    EXPECT_EQ(outcome.err,
              "note: nobody leads; the newest word of a leader is 12s old; what is shown is what "
              "the last leader saw\n"
              "next: is a redis-operator running? Consul shows none: start one with redis-operator "
              "run\n");
    stand_by("host-1");
    stand_by("host-2");
    stand_by("host-3", "critical");
    EXPECT_THAT(
        run(get(tools(), GetRequest{})).err,
        HasSubstr("\nnext: 2 operators on host-1, host-2: one leads within seconds; if none "
                  "does, look at its log, and whether its --kv-prefix is this one\n"));
}

TEST_F(Get, SaysHowToBeginWhenThereIsNothing) {
    const Outcome outcome = run(get(tools(), GetRequest{}));
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, HasSubstr("No cluster is declared"));
    EXPECT_EQ(run(get(tools(Format::json), GetRequest{})).out, "[]\n");
}

TEST_F(Get, GivesStatusesToPrograms) {
    declare();
    publish(ready());
    declare(ClusterName{"orders"});
    elect();

    const auto all = boost::json::parse(run(get(tools(Format::json), GetRequest{})).out);
    EXPECT_EQ(all.as_array().size(), 2U);
    EXPECT_EQ(all.at(1).at("reason"), "NotSeenYet");

    GetRequest one;
    one.name = cache;
    const auto status = boost::json::parse(run(get(tools(Format::json), one)).out);
    EXPECT_EQ(status.at("phase"), "Ready");
}

TEST_F(Get, ChecksPhaseSpecAndLeader) {
    EXPECT_EQ(run(get(tools(), checking())).code, ExitCode::not_so);
    declare();
    publish(ready());
    EXPECT_EQ(run(get(tools(), checking())).code, ExitCode::not_so) << "nobody leads";
    elect();
    EXPECT_EQ(run(get(tools(), checking())).code, ExitCode::done);
    declare();
    EXPECT_EQ(run(get(tools(), checking())).code, ExitCode::not_so) << "the spec is newer";
    ClusterStatus degraded = ready();
    degraded.phase = Phase::degraded;
    publish(degraded);
    EXPECT_EQ(run(get(tools(), checking())).code, ExitCode::not_so);
}

TEST_F(Get, TellsAnUndeclaredNameFromADeletedOne) {
    GetRequest one;
    one.name = cache;
    EXPECT_EQ(run(get(tools(), one)).err,
              "error: cache is not declared\nnext: redis-operator get lists what is\n");
    remember();
    const Outcome outcome = run(get(tools(), one));
    EXPECT_EQ(outcome.code, ExitCode::failed);
    EXPECT_THAT(outcome.err, HasSubstr("its record is kept"));
}

TEST_F(Get, NamesTheConsulThatDoesNotAnswer) {
    line_.line = testing::FakeConsulClient::Line::refused;
    const Outcome outcome = run(get(tools(), GetRequest{}));
    EXPECT_EQ(outcome.code, ExitCode::failed);
    EXPECT_THAT(outcome.err, AllOf(StartsWith("error: Consul at http://127.0.0.1:8500 does not "
                                              "answer: "),
                                   HasSubstr("next: "), HasSubstr("CONSUL_HTTP_ADDR")));
}

TEST_F(Get, SaysWhichTokenIsMissing) {
    line_.line = testing::FakeConsulClient::Line::denied;
    EXPECT_THAT(run(get(tools(), GetRequest{})).err,
                AllOf(HasSubstr("refuses"), HasSubstr("CONSUL_HTTP_TOKEN")));
}

TEST_F(Get, LetsNobodySteerTheTerminal) {
    declare();
    ClusterStatus status = ready();
    status.reason = "\x1b[2J\nevil";
    publish(status);
    elect();
    EXPECT_THAT(run(get(tools(), GetRequest{})).out,
                AllOf(HasSubstr("?[2J?evil"), Not(HasSubstr("\x1b"))));
}

TEST(Printable, LeavesNothingThatSteersATerminal) {
    EXPECT_EQ(printable("a\x1b[2Jb\n\x7f"), "a?[2Jb??");
    EXPECT_EQ(printable("8 bits \xc2\x9b"
                        "2J"),
              "8 bits ?2J");
    EXPECT_EQ(printable("\xe2\x80\xae"
                        "turned\xe2\x81\xa6"),
              "?turned?");
    EXPECT_EQ(printable("caf\xc3\xa9 \xe2\x80\xa6 \xf0\x9f\x90\x98"),
              "caf\xc3\xa9 \xe2\x80\xa6 \xf0\x9f\x90\x98");
    EXPECT_EQ(printable("broken \x9b \xe2\x80"), "broken ? ??");
}

}  // namespace
}  // namespace rop::commands
