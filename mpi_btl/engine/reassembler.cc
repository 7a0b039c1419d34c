#include "mpi_btl/engine/reassembler.h"

#include <utility>

namespace tombolo::mpi {

bool Reassembler::Fits(const Partial& partial, EndpointId source, const EngineHeader& header,
                       size_t piece_bytes) const {
  return header.total_bytes <= max_bytes_ && partial.incarnation == source.incarnation &&
         partial.tag == header.tag && partial.total_bytes == header.total_bytes &&
         partial.bytes.size() == header.offset_bytes &&
         piece_bytes <= header.total_bytes - partial.bytes.size();
}

Reassembler::Result Reassembler::Add(EndpointId source, const EngineHeader& header,
                                     std::span<const std::byte> piece,
                                     std::span<const std::byte>& message) {
  Partial& partial = partial_[source.index];
  if (header.offset_bytes == 0) {
    partial = Partial{source.incarnation, header.tag, header.total_bytes, {}};
  }
  if (!Fits(partial, source, header, piece.size())) {
    Forget(source);
    return Result::kNonsense;
  }
  partial.bytes.insert(partial.bytes.end(), piece.begin(), piece.end());
  if (partial.bytes.size() != partial.total_bytes) return Result::kMore;
  complete_ = std::move(partial.bytes);
  Forget(source);
  message = complete_;
  return Result::kComplete;
}

}  // namespace tombolo::mpi
