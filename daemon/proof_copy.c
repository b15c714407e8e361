/* SPDX-License-Identifier: ISC */
#include "proof_copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/log.h"
#include "api/memory.h"
#include "engine_parts.h"

#define NOTES_MAX 64 /* in one go; the rest when the next deployment is over */

static char *folder_of(const struct mird_engine *engine)
{
    return mir_format("%s/proofs", engine->core->state_dir);
}

/* --- the notes --- */

static bool is_digest(const char *name)
{
    return strlen(name) == MIR_SHA256_TEXT - 1 &&
           strspn(name, "0123456789abcdef") == MIR_SHA256_TEXT - 1;
}

/* Their digests; the number. */
static size_t list_notes(const struct mird_engine *engine, char ret[NOTES_MAX][MIR_SHA256_TEXT])
{
    mir_auto_free char *folder = folder_of(engine);
    DIR *dir = opendir(folder);
    size_t count = 0;
    struct dirent *entry;
    if (!dir)
        return 0;
    while (count < NOTES_MAX && (entry = readdir(dir)))
        if (is_digest(entry->d_name))
            mir_copy(ret[count++], MIR_SHA256_TEXT, entry->d_name);
    closedir(dir);
    return count;
}

static char *note_path(const struct mird_engine *engine, const char *sha256)
{
    return mir_format("%s/proofs/%s", engine->core->state_dir, sha256);
}

bool mird_proof_copy_noted(struct mird_engine *engine, const char *sha256)
{
    mir_auto_free char *path = note_path(engine, sha256);
    return !access(path, F_OK);
}

int mird_proof_copy_note(struct mird_engine *engine, const char *sha256, const char *boot,
                         struct mir_error *err)
{
    mir_auto_free char *folder = folder_of(engine);
    if (mir_dir_make(folder, 0700, err))
        return -1;
    atomic_store(&engine->copies.waiting, true);
    mir_auto_close int dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return mir_fail_errno(err, errno, "cannot open %s", folder);
    return mir_file_write_at(dir_fd, sha256, boot, strlen(boot), 0600, err);
}

/* --- removing --- */

/* With the lock held. The note goes last: what it names is looked for again until it is gone. */
static void remove_unused(struct mird_engine *engine)
{
    char list[NOTES_MAX][MIR_SHA256_TEXT];
    size_t count = list_notes(engine, list);
    bool left = count == NOTES_MAX;
    for (size_t i = 0; i < count; i++) {
        struct mir_error err = {0};
        mir_auto_free char *path = note_path(engine, list[i]);
        if (mird_engine_forget_kernel(engine, list[i], &err) && err.kind != MIR_NOT_FOUND)
            left = true;
        else if (unlink(path))
            mir_log(MIR_LOG_WARN, "engine", "cannot remove %s: %s", path, strerror(errno));
    }
    /* Never false in between: whoever ends meanwhile what one of them waits for has to see it. */
    if (!left)
        atomic_store(&engine->copies.waiting, false);
}

void mird_proof_enter(struct mird_engine *engine)
{
    pthread_mutex_lock(&engine->copies.lock);
    engine->copies.proving++;
    pthread_mutex_unlock(&engine->copies.lock);
}

void mird_proof_leave(struct mird_engine *engine)
{
    pthread_mutex_lock(&engine->copies.lock);
    if (!--engine->copies.proving)
        remove_unused(engine);
    pthread_mutex_unlock(&engine->copies.lock);
}

bool mird_proof_copies_wait(struct mird_engine *engine)
{
    return atomic_load(&engine->copies.waiting);
}

void mird_proof_copies_again(struct mird_engine *engine)
{
    if (!mird_proof_copies_wait(engine))
        return;
    pthread_mutex_lock(&engine->copies.lock);
    if (!engine->copies.proving)
        remove_unused(engine);
    pthread_mutex_unlock(&engine->copies.lock);
}

/* Nobody waits for what it would say any more. */
static void end_boot(struct mird_engine *engine, const char *sha256)
{
    mir_auto_free char *path = note_path(engine, sha256), *name = NULL;
    struct mird_deployment d;
    struct mird_operation op;
    struct mir_error err = {0};
    if (mir_file_read(path, MIR_NAME_TEXT, &name, NULL, &err) || !mir_name_valid(name))
        return;
    if (mird_engine_remove(engine, name, "", &d, &op, &err) && err.kind != MIR_NOT_FOUND)
        mir_log(MIR_LOG_WARN, "engine", "%s: %s", name, err.text);
}

void mird_proof_copies_begin(struct mird_engine *engine)
{
    char list[NOTES_MAX][MIR_SHA256_TEXT];
    size_t count = list_notes(engine, list);
    atomic_store(&engine->copies.waiting, count > 0);
    for (size_t i = 0; i < count; i++)
        end_boot(engine, list[i]);
    pthread_mutex_lock(&engine->copies.lock);
    if (!engine->copies.proving)
        remove_unused(engine);
    pthread_mutex_unlock(&engine->copies.lock);
}
