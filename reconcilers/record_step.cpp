#include "reconcilers/record_step.hpp"

#include <utility>

namespace rop::reconcilers {

Step write_signed(const Snapshot& seen, Record record, std::string what, std::string why) {
    record.installation = seen.standing.installation;
    record.epoch = seen.standing.epoch;
    return Step{WriteRecord{std::move(record), std::move(what)}, std::move(why)};
}

}  // namespace rop::reconcilers
