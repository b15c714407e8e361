/* SPDX-License-Identifier: ISC */
/*
 * The participation note: how a kernel says that it understands our kernel arguments, deadline
 * and announcements. ELF note, owner "mirage-deploy", type 1; the descriptor is an ASCII list of
 * words separated by commas. Words that are not known here are ignored, so that newer kernels stay
 * readable.
 */
#include <string.h>

#include "probes.h"

#define NOTE_TAKES_PART 1

static const struct {
    const char *word;
    uint32_t bit;
} words[] = {
    {"args", MIR_PART_ARGS},
    {"deadline", MIR_PART_DEADLINE},
    {"console-deadline", MIR_PART_CONSOLE_DEADLINE},
    {"announce", MIR_PART_ANNOUNCE},
    {"well-known", MIR_PART_WELL_KNOWN},
    {"poweroff", MIR_PART_POWEROFF},
};

static uint32_t bit_of(const unsigned char *word, size_t len)
{
    for (size_t i = 0; i < MIR_NELEMS(words); i++)
        if (strlen(words[i].word) == len && !memcmp(words[i].word, word, len))
            return words[i].bit;
    return 0;
}

static int take_note(void *ctx, const struct krn_note *note, struct mir_error *err)
{
    struct krn_facts *facts = ctx;
    if (!krn_note_owner_is(note, "mirage-deploy") || note->type != NOTE_TAKES_PART)
        return 0;
    const unsigned char *end = memchr(note->desc, 0, note->desc_len);
    size_t len = end ? (size_t)(end - note->desc) : note->desc_len;
    for (size_t at = 0; at < len;) {
        const unsigned char *comma = memchr(note->desc + at, ',', len - at);
        size_t word = comma ? (size_t)(comma - note->desc) - at : len - at;
        facts->kernel.takes_part |= bit_of(note->desc + at, word);
        at += word + 1;
    }
    return 0;
}

int krn_probe_part(const struct krn_elf *elf, struct krn_facts *facts, struct mir_error *err)
{
    if (krn_elf_notes(elf, take_note, facts, err))
        return -1;
    if (facts->kernel.takes_part & MIR_PART_POWEROFF)
        facts->kernel.powers_off = MIR_POWERS_OFF_YES;
    return 0;
}
