#include "api/record.hpp"

namespace rop {

std::string_view to_string(RecordState state) {
    switch (state) {
        case RecordState::accepted:
            return "accepted";
        case RecordState::forming:
            return "forming";
        case RecordState::formed:
            return "formed";
    }
    return "accepted";
}

}  // namespace rop
