#include <algorithm>
#include <map>
#include <set>

#include "test/simulation/conformance/moves.hpp"
#include "test/simulation/dice.hpp"

namespace rop::simulation {
namespace {

using Kind = Move::Kind;

std::string number(std::uint64_t value) {
    return std::to_string(value);
}
std::string named(const char* what, std::uint64_t value) {
    return "{" + std::string(what) + number(value) + "}";
}

/// Draws the lines of one move.
class Writer {
  public:
    Writer(const Move& move, const ModelLab& model, Course& course)
        : model_(model), course_(course), dice_(move.chance), kind_(move.kind) {
        for (std::size_t i = 1; i <= model.count(); ++i) {
            (model.running(i) ? living_ : dead_).push_back(i);
        }
    }

    std::vector<Line> write() {
        if (living_.empty() && kind_ != Kind::start) {
            return {};
        }
        switch (kind_) {
            case Kind::give_epochs:
                give_epochs();
                break;
            case Kind::split_slots:
                split_slots();
                break;
            case Kind::meet_all:
                meet_all();
                break;
            case Kind::follow_all:
                follow_all();
                break;
            case Kind::question:
                question();
                break;
            case Kind::set_epoch:
                say(any(), "CLUSTER SET-CONFIG-EPOCH " + number(dice_.between(0, 6)));
                break;
            case Kind::add_slots:
                add_slots();
                break;
            case Kind::remove_slots:
                remove_slots();
                break;
            case Kind::bump:
                if (course_.epochs) {
                    say(any(), "CLUSTER BUMPEPOCH");
                }
                break;
            case Kind::meet:
                meet(any(), any());
                break;
            case Kind::follow:
                follow(any(), dice_.between(1, model_.count()));
                break;
            case Kind::forget:
                forget();
                break;
            case Kind::failover:
                failover();
                break;
            case Kind::write_keys:
                write_keys();
                break;
            case Kind::configure:
                configure();
                break;
            case Kind::clients:
                clients();
                break;
            case Kind::kill:
                kill();
                break;
            case Kind::start:
                start();
                break;
        }
        return std::move(lines_);
    }

  private:
    void say(std::size_t server, std::string words, std::string connection = {}) {
        lines_.push_back({server, std::move(connection), std::move(words), {}, {}});
    }
    std::size_t any() { return dice_.pick(living_); }
    [[nodiscard]] const RedisServer& at(std::size_t server) const { return model_.server(server); }
    [[nodiscard]] bool knows_nobody(std::size_t server) const {
        return at(server).table().size() == 1;
    }
    /// Whoever hears of whom, sooner or later.
    [[nodiscard]] std::set<std::size_t> circle_of(std::size_t server) const {
        std::set<std::size_t> circle{server};
        for (bool grown = true; grown;) {
            grown = false;
            for (std::size_t i = 1; i <= model_.count(); ++i) {
                for (const std::size_t member : std::set<std::size_t>(circle)) {
                    const bool linked = at(i).table().contains(at(member).node()) ||
                                        at(member).table().contains(at(i).node());
                    grown = (linked && circle.insert(i).second) || grown;
                }
            }
        }
        return circle;
    }
    [[nodiscard]] std::vector<std::size_t> replicas_of(std::size_t server) const {
        std::vector<std::size_t> replicas;
        for (std::size_t i = 1; i <= model_.count(); ++i) {
            if (model_.running(i) && at(i).self().primary == at(server).node()) {
                replicas.push_back(i);
            }
        }
        return replicas;
    }

    /// An election that nobody can win is tried again for ever: there is no state to compare.
    [[nodiscard]] bool can_elect(std::size_t whose, std::size_t dies = 0) const {
        std::size_t owners = 0;
        std::size_t voters = 0;
        for (const std::size_t one : circle_of(whose)) {
            const Peer& self = at(one).self();
            const bool owns = self.is_primary && !self.slots.empty();
            owners += owns ? 1 : 0;
            voters += owns && model_.running(one) && one != dies ? 1 : 0;
        }
        return voters >= owners / 2 + 1;
    }

    void give_epochs() {
        for (const std::size_t one : living_) {
            say(one, "CLUSTER SET-CONFIG-EPOCH " + number(one));
        }
    }

    void split_slots() {
        const std::size_t owners = dice_.between(1, (model_.count() + 2) / 2);
        const bool whole = dice_.chance(0.8);
        std::size_t from = 0;
        for (std::size_t i = 1; i <= owners; ++i) {
            const std::size_t to = slot_count * i / owners;
            const std::size_t last = whole || i < owners ? to - 1 : to - dice_.between(2, 2'000);
            say(i, "CLUSTER ADDSLOTSRANGE " + number(from) + " " + number(last));
            from = to;
        }
    }

    void meet_all() {
        const bool star = dice_.chance(0.5);
        for (std::size_t i = 2; i <= model_.count(); ++i) {
            meet(star ? 1 : i - 1, i);
        }
    }

    /// Two that meet bring their circles together.
    void meet(std::size_t from, std::size_t to) {
        std::set<std::size_t> both = circle_of(from);
        both.merge(circle_of(to));
        std::map<std::uint64_t, unsigned> primaries_with;
        SlotSet owned;
        bool overlap = false;
        for (const std::size_t one : both) {
            const Peer& self = at(one).self();
            if (self.is_primary) {
                ++primaries_with[self.config_epoch];
                overlap = overlap || !(owned & self.slots).empty();
                owned = owned | self.slots;
            }
        }
        bool race = false;
        for (const auto& [epoch, count] : primaries_with) {
            // Two of one epoch, neither of them the newest: whose new epoch is which of the next
            // two depends on nothing, but a third may come between.
            race = race || count > 1;
        }
        if (overlap && (race || both.size() > 2 || !course_.epochs)) {
            return;
        }
        course_.epochs = course_.epochs && !race;
        std::string words = "CLUSTER MEET 127.0.0.1 " + named("port", to);
        say(from, words + " " + named("bus", to));
    }

    void follow_all() {
        std::vector<std::size_t> owners;
        for (const std::size_t one : living_) {
            if (!at(one).self().slots.empty()) {
                owners.push_back(one);
            }
        }
        std::size_t next = 0;
        for (const std::size_t one : living_) {
            if (at(one).self().slots.empty() && next < owners.size()) {
                follow(one, owners[next++]);
            }
        }
    }

    void follow(std::size_t replica, std::size_t primary) {
        const auto replicas = replicas_of(primary);
        // Of two replicas one would move, or be elected, by chance.
        if (at(replica).replica_migration() && replicas.size() > 1) {
            return;
        }
        if (replica != primary && !model_.running(primary)) {
            return;
        }
        say(replica, "CLUSTER REPLICATE " + named("id", primary));
    }

    void question();

    void add_slots() {
        const std::size_t first = dice_.between(0, slot_count - 1);
        const std::size_t last = std::min(first + dice_.between(0, 500), slot_count - 1);
        const std::size_t who = any();
        // A replica that is given slots owns them without being asked for them: no use is known.
        if (at(who).self().is_primary) {
            say(who, "CLUSTER ADDSLOTSRANGE " + number(first) + " " + number(last));
        }
    }

    void remove_slots() {
        const std::size_t who = any();
        const auto ranges = at(who).self().slots.ranges();
        if (ranges.empty() || !at(who).self().is_primary) {
            say(who, "CLUSTER DELSLOTS " + number(dice_.between(0, slot_count - 1)));
            return;
        }
        const auto& [first, last] = ranges.front();
        const std::size_t to = dice_.between(first.value(), last.value());
        say(who, "CLUSTER DELSLOTSRANGE " + number(first.value()) + " " + number(to));
    }

    void forget() {
        const std::size_t whom = dice_.between(1, model_.count());
        const bool everywhere = dice_.chance(0.6);
        const bool former = !model_.facts(whom).former.empty() && dice_.chance(0.7);
        const std::size_t only = any();
        course_.forgotten = true;
        for (const std::size_t one : living_) {
            if (one == only || (everywhere && one != whom)) {
                say(one, "CLUSTER FORGET " + named(former ? "old" : "id", whom));
            }
        }
    }

    void failover() {
        std::vector<std::size_t> replicas;
        for (const std::size_t one : living_) {
            if (!at(one).self().is_primary) {
                replicas.push_back(one);
            }
        }
        const std::vector<std::string> ways{"", " FORCE", " TAKEOVER"};
        const std::string way = dice_.pick(ways);
        if (replicas.empty() || dice_.chance(0.1)) {
            say(any(), "CLUSTER FAILOVER" + way);
            return;
        }
        if (course_.election_was && way != " TAKEOVER") {
            return;
        }
        const std::size_t who = dice_.pick(replicas);
        if (way != " TAKEOVER" && !can_elect(who)) {
            return;
        }
        course_.election_was = true;
        say(who, "CLUSTER FAILOVER" + way);
    }

    void write_keys() {
        const std::size_t who = any();
        for (std::uint64_t left = dice_.between(1, 5); left > 0; --left) {
            say(who, "SET " + named("key", course_.next_key++) + " x");
        }
    }

    void configure();
    void clients();

    void kill() {
        const std::size_t who = any();
        const auto replicas = replicas_of(who);
        const bool elects = !replicas.empty() && !at(who).self().slots.empty();
        if (elects && (replicas.size() > 1 || course_.election_was || !can_elect(who, who))) {
            return;
        }
        course_.election_was = course_.election_was || elects;
        course_.death_was = true;
        lines_.push_back({who, {}, {}, Line::Kind::kill, {}});
    }

    void start() {
        if (dead_.empty()) {
            return;
        }
        const std::vector<Restart> ways{Restart::with_data, Restart::without_data,
                                        Restart::on_new_ports, Restart::as_a_blank_one};
        const std::size_t who = dice_.pick(dead_);
        const Restart how = dice_.pick(ways);
        for (const std::size_t other : dead_) {  // It would want to be elected.
            if (how != Restart::as_a_blank_one && at(who).self().primary == at(other).node()) {
                return;
            }
        }
        lines_.push_back({who, {}, {}, Line::Kind::start, how});
    }

    const ModelLab& model_;
    Course& course_;
    Dice dice_;
    Kind kind_;
    std::vector<std::size_t> living_;
    std::vector<std::size_t> dead_;
    std::vector<Line> lines_;
};

void Writer::question() {
    static const std::vector<std::string> all{
        "CLUSTER MYID",
        "CLUSTER NODES x",
        "CLUSTER NONSENSE",
        "CLUSTER INFO x",
        "CLUSTER MYID x",
        "CLUSTER MEET 127.0.0.1",
        "CLUSTER MEET localhost 7000",
        "CLUSTER MEET 127.0.0.1 x",
        "CLUSTER MEET 127.0.0.1 70000",
        "CLUSTER MEET 127.0.0.1 7000 x",
        "CLUSTER MEET 127.0.0.1 60000",
        "CLUSTER MEET 127.0.0.1 0 7000",
        "CLUSTER ADDSLOTS",
        "CLUSTER ADDSLOTS x",
        "CLUSTER ADDSLOTS -1",
        "CLUSTER ADDSLOTS 16384",
        "CLUSTER ADDSLOTS 7 7",
        "CLUSTER ADDSLOTSRANGE 1",
        "CLUSTER ADDSLOTSRANGE 9 8",
        "CLUSTER ADDSLOTSRANGE 1 2 3",
        "CLUSTER ADDSLOTSRANGE 16383 16384",
        "CLUSTER DELSLOTS 16384",
        "CLUSTER DELSLOTSRANGE 9 8",
        "CLUSTER REPLICATE x",
        "CLUSTER REPLICATE {id1}",
        "CLUSTER FORGET x",
        "CLUSTER FORGET {id1} x",
        "CLUSTER SET-CONFIG-EPOCH",
        "CLUSTER SET-CONFIG-EPOCH -1",
        "CLUSTER SET-CONFIG-EPOCH x",
        "CLUSTER BUMPEPOCH x",
        "CLUSTER FAILOVER PERHAPS",
        "CLUSTER FAILOVER FORCE x",
        "CLUSTER COUNTKEYSINSLOT x",
        "CLUSTER COUNTKEYSINSLOT -1",
        "CLUSTER COUNTKEYSINSLOT 16384",
        "CLUSTER COUNTKEYSINSLOT 0",
        "CLUSTER COUNT-FAILURE-REPORTS x",
        "CLUSTER COUNT-FAILURE-REPORTS {id1}",
        "INFO cluster",
        "INFO keyspace replication",
        "INFO persistence",
        "DBSIZE",
        "DBSIZE x",
        "PING",
        "CONFIG GET",
        "CONFIG GET no-such-setting",
        "CONFIG GET port cluster-enabled cluster-port",
        "CONFIG NONSENSE",
        "CLIENT NONSENSE",
        "CLIENT GETNAME",
        "CLIENT KILL ID 0",
        "CLIENT KILL ID x",
        "CLIENT KILL ID 999999",
        "CLIENT SETNAME",
        "AUTH x",
        "AUTH default x",
        "AUTH nobody x",
        "NONSENSE a b",
    };
    const std::size_t who = any();
    for (std::uint64_t left = dice_.between(2, 6); left > 0; --left) {
        std::string words = dice_.pick(all);
        // Of the server's own ids the question may be an order, which is drawn elsewhere.
        if (words == "CLUSTER REPLICATE {id1}" && !(who == 1 && at(1).self().is_primary)) {
            continue;
        }
        if (words == "CLUSTER COUNT-FAILURE-REPORTS {id1}" && course_.death_was) {
            continue;
        }
        say(who, std::move(words));
    }
    const auto keys = at(who).keys();
    if (!keys.empty()) {
        say(who, "CLUSTER COUNTKEYSINSLOT " + number(slot_of(*keys.begin()).value()));
    }
}

void Writer::configure() {
    static const std::vector<std::string> all{
        "cluster-node-timeout 1200",
        "cluster-node-timeout 1000",
        "cluster-node-timeout x",
        "cluster-node-timeout -1",
        "cluster-node-timeout 99999999999999999999",
        "cluster-allow-replica-migration no",
        "cluster-allow-replica-migration perhaps",
        "cluster-allow-replica-migration",
        "cluster-node-timeout 1100 cluster-allow-replica-migration no",
        "cluster-node-timeout 1300 cluster-allow-replica-migration perhaps",
        "cluster-node-timeout 1300 cluster-node-timeout 1400",
        "no-such-setting 1",
        "cluster-enabled no",
    };
    const std::size_t who = any();
    say(who, "CONFIG SET " + dice_.pick(all));
    say(who, "CONFIG GET cluster-node-timeout cluster-allow-replica-migration cluster-port");
    if (dice_.chance(0.3)) {
        say(who, "CONFIG REWRITE");
    }
}

void Writer::clients() {
    const std::size_t who = any();
    const std::string epoch = number(dice_.between(1, 9));
    say(who, "CLIENT SETNAME redis-operator:one:" + epoch, "a");
    say(who, "CLIENT GETNAME", "a");
    say(who, "CLIENT SETNAME redis-operator:two:" + epoch, "b");
    say(who, "CLIENT LIST", "b");
    if (dice_.chance(0.5)) {
        say(who, "CLIENT KILL ID {client:a}", dice_.chance(0.8) ? "b" : "a");
        say(who, "CLIENT LIST", "b");
        say(who, "CLIENT GETNAME", "a");
        say(who, "CLIENT KILL ID {client:a}", "b");
    }
}

}  // namespace

std::vector<Line> lines_of(const Move& move, const ModelLab& model, Course& course) {
    return Writer(move, model, course).write();
}

}  // namespace rop::simulation
