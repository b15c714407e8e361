/* SPDX-License-Identifier: ISC */
/* The console of an instance, kept on the disk while it lives and after it: what the provider has
 * beyond what was taken so far is appended to <state_dir>/logs/<id>.log. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/log.h"
#include "api/memory.h"
#include "carrier_word.h"
#include "engine_parts.h"
#include "log_times.h"

#define PULL_BYTES (256u << 10)
#define PULLS_MAX 64 /* in one go: more than a full log */
#define LAST_LINES 5

char *mird_engine_log_path(const struct mird_core *core, const char *deployment)
{
    return mir_format("%s/logs/%s.log", core->state_dir, deployment);
}

static int open_log(const struct mird_core *core, const char *id)
{
    mir_auto_free char *path = mird_engine_log_path(core, id);
    int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
    int fd = open(path, flags, 0600);
    if (fd < 0 && errno == ENOENT) {
        mir_auto_free char *dir = mir_format("%s/logs", core->state_dir);
        mir_dir_make(dir, 0700, NULL);
        fd = open(path, flags, 0600);
    }
    return fd;
}

static void keep_tail(struct mird_entry *entry, const char *data, size_t len)
{
    if (len > MIRD_TAIL_BYTES) {
        data += len - MIRD_TAIL_BYTES;
        len = MIRD_TAIL_BYTES;
    }
    size_t keep = MIRD_TAIL_BYTES - len < entry->body->tail_len ? MIRD_TAIL_BYTES - len
                                                                : entry->body->tail_len;
    memmove(entry->body->tail, entry->body->tail + entry->body->tail_len - keep, keep);
    memcpy(entry->body->tail + keep, data, len);
    entry->body->tail_len = keep + len;
}

/* The log is the console from its first byte on, so its size is where to go on after a restart, and
 * its end is what was said last. */
static void know_offset(struct mird_entry *entry, int fd)
{
    struct mird_body *body = entry->body;
    struct stat st;
    if (body->console_known || fstat(fd, &st))
        return;
    off_t from = st.st_size > MIRD_TAIL_BYTES ? st.st_size - MIRD_TAIL_BYTES : 0;
    ssize_t n = pread(fd, body->tail, MIRD_TAIL_BYTES, from);
    body->tail_len = n > 0 ? (size_t)n : 0;
    body->console_offset = (uint64_t)st.st_size;
    body->console_known = true;
}

static void append(int fd, const char *data, size_t len)
{
    static const char full[] = "\n[the log is full; the console goes on unrecorded]\n";
    struct stat st;
    if (fstat(fd, &st) || st.st_size >= (off_t)MIRD_LOG_MAX)
        return;
    size_t room = MIRD_LOG_MAX - (size_t)st.st_size;
    if (mir_write_all(fd, data, len < room ? len : room))
        mir_log(MIR_LOG_DEBUG, "engine", "console log: %s", strerror(errno));
    if (len >= room)
        mir_write_all(fd, full, sizeof full - 1);
}

int mird_console_pull(struct mird_engine *engine, struct mird_entry *entry)
{
    mir_auto_buf struct mir_buf buf;
    mir_buf_init(&buf, PULL_BYTES);
    mir_auto_close int fd = open_log(engine->core, entry->id);
    int grown = 0;
    if (fd < 0)
        return 0;
    know_offset(entry, fd);
    for (int i = 0; i < PULLS_MAX; i++) {
        uint64_t next = entry->body->console_offset;
        mir_buf_reset(&buf);
        if (mir_prov_instance_console(mird_entry_prov(engine, entry), entry->id,
                                      entry->body->console_offset, &buf, &next, NULL) ||
            !buf.len)
            break;
        mird_log_times_note(engine->core, entry->id, mir_now_s(engine->core->clock),
                            (int64_t)entry->body->console_offset);
        append(fd, buf.data, buf.len);
        keep_tail(entry, buf.data, buf.len);
        entry->body->console_offset = next;
        grown = 1;
    }
    if (grown)
        mird_hub_changed(engine->core->hub, entry->id);
    return grown;
}

void mird_console_take_word(struct mird_engine *engine, struct mird_entry *entry,
                            struct mir_instance *instance)
{
    struct mird_deployment d;
    char word[MIRD_CARRIER_WORD_MAX];
    mird_entry_snapshot(entry, &d);
    if (instance->state != MIR_INSTANCE_ENDED || d.end_reason != MIRD_END_NONE ||
        (d.carrier != MIR_CARRIER_XEN && d.carrier != MIR_CARRIER_LINUX))
        return;
    mird_console_pull(engine, entry);
    if (mird_carrier_word(entry->body->tail, entry->body->tail_len, word))
        mird_carrier_word_join(word, instance);
}

/* The last lines that are not empty, oldest first. */
static unsigned last_lines(char *text, size_t len, char *lines[LAST_LINES])
{
    unsigned count = 0;
    size_t end = len;
    while (end > 0 && count < LAST_LINES) {
        while (end > 0 && (text[end - 1] == '\n' || text[end - 1] == '\r'))
            end--;
        text[end] = '\0';
        size_t begin = end;
        while (begin > 0 && text[begin - 1] != '\n' && text[begin - 1] != '\r')
            begin--;
        if (end > begin)
            lines[count++] = text + begin;
        end = begin;
    }
    for (unsigned i = 0; i < count / 2; i++) {
        char *swapped = lines[i];
        lines[i] = lines[count - 1 - i];
        lines[count - 1 - i] = swapped;
    }
    return count;
}

void mird_console_tell_end(struct mird_engine *engine, struct mird_entry *entry)
{
    char text[MIRD_TAIL_BYTES + 1], *lines[LAST_LINES];
    struct mird_news news = {0};
    struct mird_deployment d;
    mird_console_pull(engine, entry);
    size_t len = 0;
    for (size_t i = 0; i < entry->body->tail_len; i++)
        if (entry->body->tail[i])
            text[len++] = entry->body->tail[i];
    mird_entry_snapshot(entry, &d);
    unsigned count = last_lines(text, len, lines);
    for (unsigned i = 0; i < count; i++) {
        struct mird_event *event = &news.events[news.event_count++];
        mir_copy(event->kind, sizeof event->kind, "note");
        mir_copy(event->state, sizeof event->state, mird_state_name(mird_deployment_state(&d)));
        snprintf(event->text, sizeof event->text, "console: %.300s", lines[i]);
        mird_text_clean(event->text);
    }
    if (news.event_count)
        mird_entry_note(engine, entry, &news);
}
