/* SPDX-License-Identifier: ISC */
#include "store_wal.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/log.h"
#include "api/memory.h"

/* https://www.sqlite.org/fileformat2.html#the_write_ahead_log */
#define HEADER_BYTES 32
#define FRAME_HEADER_BYTES 24
#define SUMMED_BYTES 8 /* of a frame's header: page number, size after a commit */
#define MAGIC 0x377f0682u
#define FORMAT 3007000u
#define PAGE_MAX 65536u

struct wal {
    sqlite3_file *file;
    int64_t size_bytes;
    uint32_t page_bytes;
    bool big_endian;
    uint32_t salt[2];
    uint32_t sum[2]; /* of everything up to the frame that is looked at */
};

/* A frame as it was read. */
struct frame {
    unsigned char *bytes; /* header and page */
    uint32_t salt[2], stored[2];
    bool commit, mended;
};

static uint32_t get_be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t get_word(const unsigned char *p, bool big_endian)
{
    if (big_endian)
        return get_be32(p);
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* The log's own checksum, over a multiple of 8 bytes, going on from sum. */
static void add_sum(const unsigned char *bytes, size_t len, bool big_endian, uint32_t sum[2])
{
    uint32_t s1 = sum[0], s2 = sum[1];
    for (size_t i = 0; i + 8 <= len; i += 8) {
        s1 += get_word(bytes + i, big_endian) + s2;
        s2 += get_word(bytes + i + 4, big_endian) + s1;
    }
    sum[0] = s1;
    sum[1] = s2;
}

/* --- reading --- */

static int64_t frame_bytes(const struct wal *wal)
{
    return FRAME_HEADER_BYTES + (int64_t)wal->page_bytes;
}

static int64_t frame_at(const struct wal *wal, int64_t index)
{
    return HEADER_BYTES + index * frame_bytes(wal);
}

static int read_at(const struct wal *wal, void *to, int64_t len, int64_t at, struct mir_error *err)
{
    if (!wal->file->pMethods->xRead(wal->file, to, (int)len, at))
        return 0;
    mir_fail(err, MIR_FAILED, "store: the log cannot be read at byte %" PRId64, at);
    return mir_error_hint(err, "look at the disk's health");
}

static void parse_frame(struct frame *frame)
{
    frame->commit = get_be32(frame->bytes + 4) != 0;
    for (size_t i = 0; i < 2; i++) {
        frame->salt[i] = get_be32(frame->bytes + 8 + 4 * i);
        frame->stored[i] = get_be32(frame->bytes + 16 + 4 * i);
    }
}

static int read_frame(const struct wal *wal, int64_t index, struct frame *ret,
                      struct mir_error *err)
{
    if (read_at(wal, ret->bytes, frame_bytes(wal), frame_at(wal, index), err))
        return -1;
    parse_frame(ret);
    return 0;
}

static void frame_sum(const struct wal *wal, const struct frame *frame, const uint32_t from[2],
                      uint32_t ret[2])
{
    ret[0] = from[0];
    ret[1] = from[1];
    add_sum(frame->bytes, SUMMED_BYTES, wal->big_endian, ret);
    add_sum(frame->bytes + FRAME_HEADER_BYTES, wal->page_bytes, wal->big_endian, ret);
}

static unsigned bits_apart(const uint32_t a[2], const uint32_t b[2])
{
    return (unsigned)__builtin_popcount(a[0] ^ b[0]) + (unsigned)__builtin_popcount(a[1] ^ b[1]);
}

/* Does it follow what has the sum `from`? */
static bool follows(const struct wal *wal, const struct frame *frame, const uint32_t from[2])
{
    uint32_t sum[2];
    frame_sum(wal, frame, from, sum);
    return !bits_apart(frame->salt, wal->salt) && !bits_apart(frame->stored, sum);
}

/* --- one flipped bit --- */

/* Bits of a word from this one on are so much alike to the sum that several changed ones may look
 * like another single one: that it is damaged is all that they tell. */
#define UNCERTAIN_FROM 16

/* A bit of a frame, and how many there are that would do; more than one: it is not certain. */
struct bit {
    int64_t byte;
    unsigned mask, count;
};

static void note_bit(struct bit *bit, int64_t word_at, unsigned number, bool big_endian)
{
    bit->count += number < UNCERTAIN_FROM ? 1 : 2;
    bit->byte = word_at + (big_endian ? 3 - number / 8 : number / 8);
    bit->mask = 1u << number % 8;
}

/* The sum is linear: a bit flipped in a word moves it by +-2^bit times what the word's place
 * weighs. One pass from the last word to the first finds the bits that explain `apart` (stored
 * less computed). */
static void find_summed(const struct wal *wal, const struct frame *frame, const uint32_t apart[2],
                        struct bit *ret)
{
    uint32_t weights[2][2] = {{1, 1}, {0, 1}}; /* of the two words of a pair */
    for (int64_t at = frame_bytes(wal) - 8; at >= 0; at -= 8) {
        if (at == FRAME_HEADER_BYTES - 8)
            at = 0; /* salts and sums of the header are not summed */
        for (int half = 0; half < 2; half++) {
            uint32_t *weight = weights[half];
            uint32_t word = get_word(frame->bytes + at + 4 * half, wal->big_endian);
            for (unsigned bit = 0; bit < 32; bit++) {
                uint32_t delta = word >> bit & 1 ? -(UINT32_C(1) << bit) : UINT32_C(1) << bit;
                if (delta * weight[0] == apart[0] && delta * weight[1] == apart[1])
                    note_bit(ret, at + 4 * half, bit, wal->big_endian);
            }
            weight[0] += weight[1];
            weight[1] += weight[0];
        }
    }
}

/* Salts and sums stand in the header from byte 8 on, big-endian. */
static void find_unsummed(const struct frame *frame, const uint32_t right[4], struct bit *ret)
{
    for (int word = 0; word < 4; word++)
        for (unsigned bit = 0; bit < 32; bit++)
            if ((get_be32(frame->bytes + 8 + 4 * word) ^ right[word]) == UINT32_C(1) << bit)
                note_bit(ret, 8 + 4 * word, bit, true);
}

/* In a frame that does not follow: the bits of which one, turned, would make it do so. */
static struct bit find_bit(const struct wal *wal, const struct frame *frame)
{
    uint32_t sum[2];
    struct bit found = {0};
    frame_sum(wal, frame, wal->sum, sum);
    const uint32_t right[4] = {wal->salt[0], wal->salt[1], sum[0], sum[1]};
    const uint32_t apart[2] = {frame->stored[0] - sum[0], frame->stored[1] - sum[1]};
    unsigned salts = bits_apart(frame->salt, wal->salt);
    if (salts + bits_apart(frame->stored, sum) == 1)
        find_unsummed(frame, right, &found);
    if (salts == 0)
        find_summed(wal, frame, apart, &found);
    return found;
}

/* --- damage, or only the end? --- */

static int damaged(int64_t at, struct mir_error *err)
{
    return mir_fail(err, MIR_CORRUPT, "store: the log state.db-wal is damaged near byte %" PRId64,
                    at);
}

/* The first frame that does not follow stands at index; one_bit: a flipped bit, nobody knows which,
 * would explain that. A transaction is synced before the next one begins, so it was on the disk
 * when another follows its commit; and if it is whole but for that bit it most likely was. */
static int judge_end(const struct wal *wal, int64_t index, bool one_bit, struct frame *frame,
                     struct mir_error *err)
{
    uint32_t before[2] = {0, 0};
    bool after_commit = false, whole = one_bit;
    int64_t count = (wal->size_bytes - HEADER_BYTES) / frame_bytes(wal);
    for (int64_t i = index; i < count; i++) {
        if (read_frame(wal, i, frame, err))
            return -1;
        bool next = i > index && follows(wal, frame, before);
        whole = whole && (i == index || next);
        if ((next && after_commit) || (whole && frame->commit))
            return damaged(frame_at(wal, index), err);
        /* Not the first: its header may be of two halves, one from before the log began again. */
        after_commit = next && frame->commit;
        memcpy(before, frame->stored, sizeof before);
    }
    return 0;
}

/* The header is synced before any frame is written, and it is too small to be torn. 1 when there
 * is one, 0 when the log is empty. */
static int read_header(struct wal *wal, struct mir_error *err)
{
    static const unsigned char nothing[HEADER_BYTES];
    unsigned char header[HEADER_BYTES];
    if (wal->size_bytes < HEADER_BYTES)
        return 0;
    if (read_at(wal, header, sizeof header, 0, err))
        return -1;
    if (!memcmp(header, nothing, sizeof header))
        return 0;
    uint32_t magic = get_be32(header), sum[2] = {0, 0};
    wal->big_endian = magic & 1;
    wal->page_bytes = get_be32(header + 8);
    add_sum(header, 24, wal->big_endian, sum);
    if ((magic & ~1u) != MAGIC || get_be32(header + 4) != FORMAT || wal->page_bytes < 512 ||
        wal->page_bytes > PAGE_MAX || sum[0] != get_be32(header + 24) ||
        sum[1] != get_be32(header + 28))
        return damaged(0, err);
    memcpy(wal->sum, sum, sizeof sum);
    wal->salt[0] = get_be32(header + 16);
    wal->salt[1] = get_be32(header + 20);
    return 1;
}

/* --- writing again --- */

static int write_again(const struct wal *wal, const void *bytes, int64_t len, int64_t at,
                       struct mir_error *err)
{
    if (!wal->file->pMethods->xWrite(wal->file, bytes, (int)len, at))
        return 0;
    return mir_fail(err, MIR_FAILED, "store: the log cannot be written at byte %" PRId64, at);
}

/* The frame at index as it has to be, or *ret_bits other than 1. A bit that is turned back may also
 * have been torn away with the rest of its sector; then a transaction that nobody was told of is
 * there after all, or still not whole. */
static int settle_frame(struct wal *wal, int64_t index, struct frame *frame, unsigned *ret_bits,
                        struct mir_error *err)
{
    *ret_bits = 1;
    frame->mended = false;
    if (read_frame(wal, index, frame, err))
        return -1;
    if (!follows(wal, frame, wal->sum)) {
        struct bit bit = find_bit(wal, frame);
        *ret_bits = bit.count;
        if (bit.count != 1)
            return 0;
        frame->bytes[bit.byte] ^= (unsigned char)bit.mask;
        parse_frame(frame);
        frame->mended = true;
        mir_log(MIR_LOG_WARN, "store",
                "a flipped bit of state.db-wal was put right, at byte %" PRId64,
                frame_at(wal, index) + bit.byte);
    }
    memcpy(wal->sum, frame->stored, sizeof wal->sum);
    return write_again(wal, frame->bytes, frame_bytes(wal), frame_at(wal, index), err);
}

static int settle(struct wal *wal, struct mir_error *err)
{
    unsigned char header[HEADER_BYTES];
    int rc = read_header(wal, err);
    if (rc <= 0)
        return rc;
    if (read_at(wal, header, sizeof header, 0, err) ||
        write_again(wal, header, sizeof header, 0, err))
        return -1;
    mir_auto_free unsigned char *room = mir_calloc(1, (size_t)frame_bytes(wal));
    struct frame frame = {.bytes = room};
    unsigned bits = 1;
    bool mended = false;
    int64_t index = 0, count = (wal->size_bytes - HEADER_BYTES) / frame_bytes(wal);
    for (; index < count; index++) {
        if (settle_frame(wal, index, &frame, &bits, err))
            return -1;
        if (bits != 1)
            break;
        mended |= frame.mended;
    }
    if (judge_end(wal, index, bits > 1, &frame, err))
        return -1;
    if (wal->file->pMethods->xSync(wal->file, SQLITE_SYNC_NORMAL))
        return mir_fail(err, MIR_FAILED, "store: the log cannot be synced");
    return mended;
}

int mird_wal_settle(struct sqlite3 *db, struct mir_error *err)
{
    struct wal wal = {0};
    sqlite3_int64 size_bytes = 0;
    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal.file) || !wal.file ||
        !wal.file->pMethods)
        return 0; /* no log, nothing in it */
    if (wal.file->pMethods->xFileSize(wal.file, &size_bytes))
        return mir_fail(err, MIR_FAILED, "store: the log cannot be read");
    wal.size_bytes = size_bytes;
    return settle(&wal, err);
}
