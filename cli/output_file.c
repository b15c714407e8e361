/* SPDX-License-Identifier: ISC */
#include "output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/id.h"
#include "api/memory.h"

#define MODE 0644

/* The folder of a path, with the slash; owned. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? mir_format("%.*s", (int)(slash + 1 - path), path) : mir_strdup("./");
}

static int exists(const char *path, struct mir_error *err)
{
    mir_fail(err, MIR_USAGE, "%s is there already", path);
    return mir_error_hint(err, "give another name, or replace it with --force");
}

static int open_hidden(struct cmd_output_file *file, const char *folder)
{
    char id[MIR_ID_TEXT];
    mir_id_new(mir_random_system(), id);
    file->part = mir_format("%s.mirage-image-%.8s", folder, id);
    file->fd = open(file->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, MODE);
    return file->fd < 0 ? -1 : 0;
}

static int open_nameless(struct cmd_output_file *file, struct mir_error *err)
{
    mir_auto_free char *folder = folder_of(file->path);
    file->fd = open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, MODE);
    if (file->fd >= 0)
        return 0;
    if ((errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT) && !access(folder, F_OK) &&
        !open_hidden(file, folder))
        return 0;
    mir_fail_errno(err, errno, "cannot write to the folder %s", folder);
    return mir_error_hint(err, "name a file in a folder that is there and may be written");
}

static int open_stdout(struct cmd_output_file *file, struct mir_error *err)
{
    file->is_stdout = true;
    file->fd = STDOUT_FILENO;
    if (!isatty(STDOUT_FILENO))
        return 0;
    mir_fail(err, MIR_USAGE, "an image is nothing for a terminal");
    return mir_error_hint(err, "name a file with -o, or pipe it into a program");
}

int cmd_output_open(struct cmd_output_file *file, const char *path, bool replace,
                    struct mir_error *err)
{
    struct stat st;
    *file = (struct cmd_output_file){.path = path, .fd = -1, .replace = replace};
    if (!strcmp(path, "-"))
        return open_stdout(file, err);
    if (!lstat(path, &st)) {
        if (!S_ISREG(st.st_mode)) {
            mir_fail(err, MIR_USAGE, "%s is there and is not a file", path);
            return mir_error_hint(err, "give the name of a file");
        }
        if (!replace)
            return exists(path, err);
    }
    return open_nameless(file, err);
}

/* A name for it that can be renamed: a nameless file is linked under the hidden one first. */
static int give_hidden_name(struct cmd_output_file *file)
{
    char self[48], id[MIR_ID_TEXT];
    if (file->part)
        return 0;
    mir_auto_free char *folder = folder_of(file->path);
    snprintf(self, sizeof self, "/proc/self/fd/%d", file->fd);
    mir_id_new(mir_random_system(), id);
    file->part = mir_format("%s.mirage-image-%.8s", folder, id);
    return linkat(AT_FDCWD, self, AT_FDCWD, file->part, AT_SYMLINK_FOLLOW);
}

/* renameat2 knows "only if it is free"; file systems that do not are asked by link. */
static int place(struct cmd_output_file *file)
{
    if (file->replace)
        return rename(file->part, file->path);
    if (!renameat2(AT_FDCWD, file->part, AT_FDCWD, file->path, RENAME_NOREPLACE))
        return 0;
    if (errno != EINVAL || link(file->part, file->path))
        return -1;
    return unlink(file->part);
}

/* The name outlives a loss of power as well as the bytes do. */
static void sync_folder(const struct cmd_output_file *file)
{
    mir_auto_free char *folder = folder_of(file->path);
    mir_auto_close int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        fsync(fd); /* some file systems cannot, and the file is whole all the same */
}

int cmd_output_keep(struct cmd_output_file *file, struct mir_error *err)
{
    if (file->is_stdout)
        return 0;
    if (fsync(file->fd) || give_hidden_name(file))
        return mir_fail_errno(err, errno, "cannot write %s", file->path);
    if (place(file))
        return errno == EEXIST ? exists(file->path, err)
                               : mir_fail_errno(err, errno, "cannot write %s", file->path);
    free(file->part);
    file->part = NULL;
    sync_folder(file);
    return 0;
}

void cmd_output_close(struct cmd_output_file *file)
{
    if (file->part)
        unlink(file->part);
    free(file->part);
    file->part = NULL;
    if (file->fd >= 0 && !file->is_stdout)
        close(file->fd);
    file->fd = -1;
}
