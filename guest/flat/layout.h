// Where the words of the region lie that an endpoint here uses: docs/layout.md, version 2, as
// numbers for C. tests/guest/flat compares them with transport/layout.
#ifndef TOMBOLO_GUEST_FLAT_LAYOUT_H
#define TOMBOLO_GUEST_FLAT_LAYOUT_H

#define FLAT_EXTENT_BYTES 4096u
#define FLAT_LINE_BYTES 64u

// RegionHeader.
#define FLAT_MAGIC_LOW 0x4d4f5401u
#define FLAT_MAGIC_HIGH 0x4f4c4f42u
#define FLAT_LAYOUT_VERSION 2u
#define FLAT_HEADER_BYTES 320u
#define FLAT_AT_MAGIC 0u
#define FLAT_AT_LAYOUT_VERSION 8u
#define FLAT_AT_HEADER_BYTES 12u
#define FLAT_AT_REGION_BYTES 16u
#define FLAT_AT_SLOT_COUNT 40u
#define FLAT_AT_VECTOR_COUNT 44u
#define FLAT_AT_ENDPOINT_COUNT 48u
#define FLAT_AT_EXTENT_COUNT 52u
#define FLAT_AT_SLOT_RECORDS 64u
#define FLAT_AT_ENDPOINT_RECORDS 72u
#define FLAT_AT_ENDPOINT_LINES 80u
#define FLAT_AT_CONTROL_AREAS 88u
#define FLAT_AT_COUNTERS 96u
#define FLAT_AT_INBOXES 104u
#define FLAT_AT_EXTENT_MAP 112u
#define FLAT_AT_EXTENTS 120u
#define FLAT_AT_SERVICE_RECORDS 144u
#define FLAT_AT_MEMBERSHIP_EPOCH 192u
#define FLAT_AT_ENDPOINT_HIGH_WATER 256u

// The parts.
#define FLAT_SLOT_RECORD_BYTES 64u
#define FLAT_ENDPOINT_RECORD_BYTES 64u
#define FLAT_SERVICE_RECORD_BYTES 64u
#define FLAT_SERVICE_COUNT 64u
#define FLAT_ENDPOINT_LINE_BYTES 64u
#define FLAT_CONTROL_AREA_BYTES 12288u
#define FLAT_COUNTERS_BYTES 192u
#define FLAT_EXTENT_WORD_BYTES 8u

// EndpointRecord: identity is incarnation << 32 | state, location slot << 48 | vector << 32 | pid.
#define FLAT_RECORD_IDENTITY 0u
#define FLAT_RECORD_LOCATION 8u
#define FLAT_RECORD_CHANGED_EPOCH 24u
#define FLAT_RECORD_NAME 32u
#define FLAT_NAME_BYTES 32u
#define FLAT_ENDPOINT_LIVE 1u
#define FLAT_ENDPOINT_DEAD 2u

// EndpointLine.
#define FLAT_LINE_ARMED 0u
#define FLAT_LINE_INCARNATION 4u
#define FLAT_LINE_ACKED_EPOCH 8u
#define FLAT_LINE_LINK_DIRECTORY 16u

// EndpointCounters.
#define FLAT_MESSAGES_SENT 0u
#define FLAT_BYTES_SENT 8u
#define FLAT_MESSAGES_RECEIVED 16u
#define FLAT_BYTES_RECEIVED 24u
#define FLAT_DOORBELLS_SENT 32u
#define FLAT_DOORBELLS_SUPPRESSED 40u
#define FLAT_CREDIT_STALLS 56u
#define FLAT_BAD_HEADERS 128u
#define FLAT_BAD_DESCRIPTORS 136u
#define FLAT_BAD_LOANS 144u
#define FLAT_BAD_CREDITS 152u

// Extent map: the high half of a word has state (4 bits), kind (4), owner (16) and 8 bits of the
// generation; the low half the 12 others and the length (20).
#define FLAT_EXTENT_HEAD 1u
#define FLAT_KIND_LINK_DIRECTORY 1u
#define FLAT_KIND_LINK 2u
#define FLAT_KIND_MEMORY 4u
#define FLAT_KIND_QUARANTINE 5u

// Link.
#define FLAT_LINK_MAGIC 0x4b4e494cu
#define FLAT_LINK_AT_MAGIC 0u
#define FLAT_LINK_ENDS 4u  // sender and receiver, 16 bits each
#define FLAT_LINK_SENDER_INCARNATION 8u
#define FLAT_LINK_RECEIVER_INCARNATION 12u
#define FLAT_LINK_CREDIT_WANTED 16u
#define FLAT_LINK_CONSUMED_CELLS 64u
#define FLAT_LINK_RELEASED_CHUNKS 72u
#define FLAT_LINK_RETURNED_LOANS 80u
#define FLAT_LINK_PARKED 128u
#define FLAT_LINK_CELLS 192u
#define FLAT_CELLS 61u
#define FLAT_CELL_BYTES 64u
#define FLAT_CELL_HEADER_BYTES 8u
#define FLAT_MAX_MESSAGE_CELLS 30u

// The header of a cell: the high half is lap << 16 | tag << 8 | kind, the low one
// cells << 24 | length.
#define FLAT_CELL_INLINE 1u
#define FLAT_CELL_BULK 2u
#define FLAT_CELL_SKIP 3u
#define FLAT_CELL_BULK_SKIP 4u
#define FLAT_CELL_LOAN 5u

#define FLAT_BULK_DESCRIPTOR_BYTES 16u
#define FLAT_BULK_CHUNK_BYTES 32768u
#define FLAT_BULK_CHUNK_SKEW_BYTES 64u
#define FLAT_LOAN_DESCRIPTOR_BYTES 32u
#define FLAT_LOAN_SLOTS 64u

#endif
