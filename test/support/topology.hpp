#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/snapshot.hpp"
#include "api/spec.hpp"

namespace rop::testing {

/// Draws a snapshot, one instance per line and one fact per word. Empty lines and lines that
/// begin with # are skipped; anything that is not understood throws std::invalid_argument.
///
///     record formed a,b,c,d,e,f
///     a  primary 0-5460
///     b  primary 5461-10922      keys=12 host=h2
///     c  primary 10923-16383     failed refused
///     d  replica-of a
///     e  replica-of b            link-down
///     x  blank                   auth-failed
///     a: b unowned
///
/// Without more words the world is fine: we lead at epoch 1 of installation "inst", every view is
/// seen and certain, every instance is swept, runs in Nomad and passes in Consul, listens on
/// 127.0.0.1:21000+i with bus port 31000+i (i: line of the instance, from 0) on host h1, h2, h3
/// in turn. All that are not blank know each other; `cluster_state` is ok where all slots have
/// an owner that is not failed. Names begin with a letter; an instance's id is its name, its node
/// id is node_of(name). An instance counts as having been asked before.
///
/// Kinds: `primary [slots]`, `replica-of NAME`, `blank` (empty, alone, epoch 0).
///
/// What it answers:     keys=N  epoch=N (config epoch)  timeout=500ms  run=ID  node=NAME|40 hex
///                      offset=N  replid=ID  link-down (replication)  follows=PORT  sync
///                      state-fail  open-slots  engine=redis  version=7.0.15  known=N
///                      unstreamed (copied, and its primary has not begun to send writes)
///                      cluster-off  migration=yes|no
///                      counted=0-9,20 (slots whose keys were counted)  keys-in=SLOT:N,...
///                      operators=INST:EPOCH,...  (connections; then it counts as not swept)
/// Whether it answers:  loading refused timed-out auth-failed untrusted garbled unasked
///                      (else: answered)
/// Whom it knows:       knows=a,b  alone (knows nobody, known by nobody)  handshake=x,y
///                      fails=a,b  suspects=a,b  (its table's flags)
/// What all others say: failed  suspected  bus-down  bus-up  (default: down when refused or gone)
/// Where it is:         host=h1  dc=dc1  meta.KEY=VALUE  port=N  bus=N  bound=N (bus port really
///                      bound)
/// Sources:             nomad=running|pending|complete|failed|lost|unknown|none  desired=stop
///                      disconnected (its client)  terminated (a task event newer than the start)
///                      consul=passing|warning|critical|none   (pending: not in Consul yet)
/// What we remember:    new (never asked before)  unswept  last-run=ID  last-node=NAME|40 hex
/// gone, gone=confirmed: not an instance any more (an absence), but still in the tables.
///
/// Opinions, `VIEWER: NODE what...`, change one row of one table, or add it:
///                      primary [slots]  unowned  replica-of NAME  failed  suspected  ok
///                      link-down  link-up  noaddr  handshake  absent  bus=N  epoch=N
///
/// Lines about the rest:
///     record accepted|forming|formed [a,b,c=NODE] [epoch=N] [timeout=15s (found)]
///                                       members; without names: all instances that are not blank
///     layout a:0-5460:d,g b:5461-10922,16383:e
///     former NAME [30s]                 when it was last seen (default: now)
///     corrected SETTING a,b 10m         put right at these runs so long ago; "corrected count -
///     10m" foreign NAME primary 0-100 ...    in all tables, but no instance absence NAME
///     [confirmed]          the same without a row in any table spec 3x1 [no-nomad] [scale=no]
///     [allow=fewPrimaries,...] [spread=...] [timeout=15s]
///              [shard-loss=recreateEmpty] [paused]
///                                       offered, and in force when there is a record
///     offer 5x1 ... | none | bad | conflict
///                                       what the spec key holds, when that is not in force
///     counted 0-9 20                    by all that do not say themselves what they counted
///     claimed a b                       members of record of another cluster, "other"
///     changed 100ms                     how long ago an instance last said something new (default:
///     3s) nomad-count 6 · nomad-job missing|stopped|deploying uncertain consul|nomad [why] ·
///     unseen consul|nomad not-leading [LEADER] · epoch 3 · records-unknown · hosts 2 · setback
///     CONCERN 3
[[nodiscard]] Snapshot topology(std::string_view drawing);

/// Draws it back, for messages of failed tests: rows as above, from each instance's own point of
/// view, then an opinion for every row in which another table differs.
[[nodiscard]] std::string draw(const Snapshot& snapshot);

/// The node id that a drawing gives to NAME: 40 digits, so that plans show "aaaaaaaa" for a to f,
/// "6767..." for g and so on.
[[nodiscard]] NodeId node_of(std::string_view name);

/// A valid spec of cluster "cache", service and job "redis-cache", group "redis".
[[nodiscard]] ClusterSpec spec(std::uint32_t primaries, std::uint32_t replicas_per_primary);

}  // namespace rop::testing
