#include "operator/commands/reasons.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace rop::commands {
namespace {

constexpr std::array table{
    Explanation{"AsDeclared", "All is as the spec declares.", "nothing to do"},
    Explanation{"Accepted", "The newest spec is in force.", "nothing to do"},
    Explanation{"InvalidSpec",
                "The newest spec has problems and is refused; the one accepted before stays in "
                "force.",
                "correct what the message lists, see redis-operator validate FILE, and apply it "
                "again"},
    Explanation{"ServiceTaken",
                "Another cluster has this Consul service or Nomad group, so this one is not "
                "touched.",
                "apply a spec with a service and group of its own, or redis-operator delete the "
                "other cluster, which the message names"},
    Explanation{"Paused",
                "The spec's pausedUntil is in the future, so nothing is changed; Redis goes on "
                "serving.",
                "wait, or apply the spec with pausedUntil null to go on now"},
    Explanation{"StoreUnavailable",
                "Consul cannot be asked, or its answer is in doubt, so nothing is changed; Redis "
                "goes on serving.",
                "run consul operator raft list-peers on the operator's host: restore the agent or "
                "Consul's leader; when the message names a key, put its value right"},
    Explanation{"NomadUnavailable",
                "Nomad cannot be asked, so nothing is formed, forgotten or scaled; Redis goes on "
                "serving.",
                "run nomad server members on the operator's host: restore Nomad, or start the "
                "operator with its address and a token of policy "
                "manifests/policies/nomad-operator.hcl"},
    Explanation{"NotRead", "No spec that can be read and no record is there.",
                "correct the spec and apply it again: redis-operator validate FILE"},
    Explanation{"NotSeenYet", "The cluster is declared, and no operator has looked at it yet.",
                "wait a few seconds; if it stays so, start an operator: redis-operator run"},
    Explanation{"Starting", "Not everything was read yet, or an instance has no address yet.",
                "wait a few seconds; if it stays so, consul catalog nodes -service=SERVICE shows "
                "which instances are registered"},
    Explanation{"NotStarted", "No cluster was formed yet.",
                "wait a few seconds; redis-operator plan NAME shows what comes next"},
    Explanation{"Forming", "The cluster is being formed.",
                "wait: redis-operator wait NAME --for ready"},
    Explanation{"NewerLeader", "Another operator leads in a later epoch, so this one steps back.",
                "wait ten seconds; if it stays so, restart the operator that leads: it takes a "
                "greater epoch"},
    Explanation{"OtherOperator",
                "An operator of another installation is connected, and only one may write to a "
                "cluster.",
                "stop the other operator, whose installation the message names, or let go here: "
                "redis-operator delete NAME touches no data"},
    Explanation{"TooFewInstances", "Fewer sound, empty instances are there than the spec declares.",
                "start the missing ones (nomad job status JOB); those that are there and do not "
                "count are named by MembersKnown and Observed"},
    Explanation{"WaitingForInstances",
                "An instance that may hold an earlier cluster's data does not answer or loads, so "
                "nothing is formed or taken over.",
                "wait for it, or let Nomad replace it: nomad alloc stop ID"},
    Explanation{"ExistingCluster",
                "Instances own slots or know other nodes, and no record says that they are this "
                "cluster: they are only looked at.",
                "if their data is wanted, apply the spec with \"allow\": [\"adopt\"], which takes "
                "the cluster over as it is; if they are left-overs, let Nomad replace those that "
                "the message names: nomad alloc stop ID"},
    Explanation{"Adopting",
                "A cluster that exists is about to be taken over as it is; nothing is written to "
                "it.",
                "wait until nothing changed there for two seconds"},
    Explanation{"ForeignNode",
                "A node of the cluster that was found is no instance of the service, so nothing "
                "is taken over.",
                "register it under service SERVICE, or send CLUSTER FORGET with its node id to "
                "every node that knows it"},
    Explanation{"OwnerFailed",
                "A node of the cluster that was found has failed, still owns slots, and no "
                "instance answers to its id.",
                "bring it back, or let its replica take over: CLUSTER FAILOVER TAKEOVER, sent to "
                "that replica"},
    Explanation{"SlotsOpen",
                "Somebody else moves slots in the cluster that was found, so it is not taken over "
                "yet.",
                "let that end, or end it: redis-cli --cluster fix with the address in the message"},
    Explanation{"ReplicaOfReplica",
                "In the cluster that was found a replica follows a replica, so it is not taken "
                "over yet.",
                "wait a minute; if it stays so, send CLUSTER REPLICATE with the id of its primary "
                "to the one that the message names"},
    Explanation{"ShortNodeTimeout",
                "The cluster that was found has the node timeout of an interrupted formation, and "
                "what there was before is not known.",
                "apply the spec with the failover.nodeTimeout that it shall have"},
    Explanation{"WaitingForMember",
                "A member is silent or still linked to the others, and nothing proves that it is "
                "dead.",
                "bring it back, or end it for certain: nomad alloc stop ID"},
    Explanation{
        "WaitingForReplacement",
        "A member died while the cluster was being formed, and no empty instance is there "
        "for its place.",
        "wait until Nomad has started another one; nomad job status JOB says what keeps it"},
    Explanation{"ShardDataLost",
                "A formed cluster lost the data of a shard, and nothing is assigned without "
                "consent.",
                "bring the old instances back with their data; if it is lost and all instances "
                "are empty, redis-operator delete NAME --forget-record --yes and a new apply form "
                "it anew, without the data"},
    Explanation{"SlotsNotServed", "Fewer than 16384 slots are served: commands on the others fail.",
                "look at the instances whose state is not ok: nomad alloc status ID and nomad "
                "alloc logs ID of a primary say what ails it"},
    Explanation{"NotObserved", "Nobody was reached who could tell, so this is not known.",
                "do first what Observed and MembersKnown ask for"},
    Explanation{"SlotsUnowned", "Slots have no owner, and commands on them fail.",
                "wait: they are assigned as soon as every member has answered; bring back, or end "
                "(nomad alloc stop ID), members whose state is not ok"},
    Explanation{"SlotKeysElsewhere",
                "A slot has no owner, and its keys lie with an instance that may not be given it; "
                "nothing is guessed.",
                "save the keys of the instance that the message names if they are wanted, and end "
                "it: nomad alloc stop ID"},
    Explanation{"TablesDisagree",
                "The nodes do not agree on who owns a slot, or do not know each other.",
                "wait a minute; if it stays so, look for a broken link between the members' bus "
                "ports, as redis-cli cluster nodes shows it on each of them"},
    Explanation{"PrimaryGone", "A primary is gone, and no replica has taken over its slots yet.",
                "wait for the failover, some seconds more than the node timeout; if it has no "
                "replica left, bring the instance back with its data"},
    Explanation{"PrimariesNotAsDeclared",
                "All slots are served, by another number of primaries than the spec declares.",
                "apply a spec that declares as many primaries as there are; moving slots is not "
                "served yet"},
    Explanation{"ReplicasMissing", "Primaries have fewer replicas in sync than the spec declares.",
                "wait for the sync if instances are syncing or loading; else start the missing "
                "ones: nomad job status JOB"},
    Explanation{"ReplicaBesidePrimary",
                "A replica stands where its primary does: one loss would take both.",
                "start instances elsewhere, then let Nomad replace the replica that the message "
                "names: nomad alloc stop ID"},
    Explanation{"Uneven", "The slots are not spread evenly over the primaries.",
                "nothing urgent: all slots are served; moving slots is not served yet"},
    Explanation{"HoldsKeys",
                "An instance holds keys and belongs to no cluster, so it is left alone.",
                "save its keys if they are wanted, and let Nomad replace it: nomad alloc stop ID"},
    Explanation{
        "OtherCluster",
        "A member of another cluster answers to this service's name, and nobody is "
        "introduced to it.",
        "register it under another service than SERVICE: correct the job that registers it; if it "
        "is yours and empty, stop it, send CLUSTER FORGET with its node id to every member, and "
        "start another"},
    Explanation{"UnknownNode",
                "The members know a node that is not of record, so it is left alone.",
                "register it under service SERVICE if it is yours; else stop it, and send CLUSTER "
                "FORGET with its node id to every member"},
    Explanation{"ClusterModeOff", "An instance runs without cluster mode.",
                "set cluster-enabled yes in job JOB, and run the job again"},
    Explanation{"WrongPassword", "An instance refuses our credentials, or they cannot be read.",
                "correct auth in the spec, or the secret that it refers to, until it is what "
                "redis-cli --user USER --askpass logs in with; for NOPERM give the user the rights "
                "that docs/operations/redis-access.md lists"},
    Explanation{"TlsFailed",
                "An instance cannot be asked over TLS: a certificate is not believed, or one of "
                "the two speaks no TLS.",
                "correct tls in the spec or the files that it names, or the certificate of the "
                "instance, as the message says; redis-cli --tls --cacert FILE shows the same"},
    Explanation{"ProtocolError",
                "Something that is not Redis, or not as we know it, answers at an instance's "
                "address.",
                "look at what listens there (ss -ltnp on its host), and correct the port that the "
                "job registers"},
    Explanation{"DuplicateNode", "Two instances report one node id or one bus address.",
                "end the newer of the two that the message names (nomad alloc stop ID), and let "
                "no job copy a nodes.conf"},
    Explanation{"ClaimedElsewhere",
                "An instance is registered under this service and is a member of another cluster.",
                "register it under one service only: correct the job that registers it"},
    Explanation{"BusPortMapped", "An instance announces a bus port that it does not listen on.",
                "run it in host networking, or set cluster-announce-bus-port right in the job"},
    Explanation{
        "BusUnreachable",
        "An instance answers clients, and the others cannot meet it: its bus port is "
        "blocked.",
        "open the bus port in the message for TCP between the hosts of the members: look at "
        "firewalls, and at the ports that job JOB maps"},
    Explanation{"NotOurAllocation",
                "An instance answers to the service's name, and Nomad runs no such allocation for "
                "this job.",
                "deregister it, on its host: consul services deregister -id=ID; or name its job "
                "in the spec"},
    Explanation{"LostIdentity",
                "A member came back with another node id: what it held is gone from it.",
                "nothing to do while SlotsCovered is True; else bring its data back"},
    Explanation{"MemberMoved",
                "A member's node id is reported from elsewhere, and its old instance is not "
                "proven gone.",
                "end the old instance, which the message names: nomad alloc stop ID"},
    Explanation{"Newcomer", "An empty instance waits to join.",
                "nothing to do: it joins in one of the next rounds"},
    Explanation{"Silent",
                "An instance does not answer in time, which does not prove that it is dead.",
                "look at it: nomad alloc status ID, its host and the network between; end it if "
                "it hangs: nomad alloc stop ID"},
    Explanation{"ConnectionRefused", "Nobody listens at an instance's address.",
                "wait for Nomad to restart it; nomad alloc status ID and nomad alloc logs ID say "
                "why it ended"},
    Explanation{"Loading", "An instance loads its data and cannot serve yet.",
                "wait; redis-cli INFO persistence at its address says how far it is"},
    Explanation{"BackingOff",
                "Something that was tried failed, and is tried again with pauses of at most 10 s.",
                "remove the cause of the error in the message; redis-operator events NAME shows "
                "what came before"},
    Explanation{"JobNotFound", "Nomad knows no such group, so it cannot be scaled.",
                "run job JOB with group GROUP, or correct nomad in the spec"},
    Explanation{"JobStopped", "The Nomad job was stopped, so it is not scaled.",
                "start it again with nomad job run, or let go: redis-operator delete NAME"},
    Explanation{"CountContested",
                "Somebody lowers the Nomad group's count again and again, so it is raised no more.",
                "stop the autoscaler of job JOB, or let scaling be its own: \"scale\": false under "
                "nomad in the spec"},
    Explanation{"SettingContested",
                "Somebody sets back what the operator keeps in force at the members, so it is left "
                "as it is.",
                "end that (a script, configuration management), and apply the spec again, changed; "
                "after an hour in which it stayed right it is forgotten, too"},
    Explanation{"DeploymentActive",
                "A deployment of the Nomad job is running; the group is scaled after it.",
                "wait; nomad job deployments JOB shows it: promote or fail it if it is stuck"},
};

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Whole words only.
void fill_in(std::string& text, std::string_view word, const std::string& value) {
    for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at)) {
        const std::size_t end = at + word.size();
        const bool whole =
            (at == 0 || !is_letter(text[at - 1])) && (end == text.size() || !is_letter(text[end]));
        text.replace(at, whole ? word.size() : 0, whole ? value : "");
        at += whole ? value.size() : word.size();
    }
}

}  // namespace

std::span<const Explanation> explanations() {
    return table;
}

const Explanation* explain(std::string_view reason) {
    const auto found = std::find_if(table.begin(), table.end(),
                                    [&](const Explanation& one) { return one.reason == reason; });
    return found == table.end() ? nullptr : &*found;
}

std::string next_step_of(const Explanation& explanation, const ClusterName& name,
                         const ClusterSpec* spec) {
    std::string text(explanation.next);
    fill_in(text, "NAME", name.value());
    if (spec != nullptr) {
        fill_in(text, "SERVICE", spec->service);
    }
    if (spec != nullptr && spec->nomad) {
        fill_in(text, "JOB", spec->nomad->job);
        fill_in(text, "GROUP", spec->nomad->group);
    }
    return text;
}

}  // namespace rop::commands
