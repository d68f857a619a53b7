/* Makes the n-th call that changes a file under a folder fail, for tests/fault_points.py.

   Loaded with LD_PRELOAD. After faults_arm(folder, mode, n) the calls below are counted if they
   concern a file under the folder. From the n-th call on:
   'f'  the disk is full: writing and creating fail, renaming and deleting do not;
   'r'  the disk is read-only: every call fails;
   'k'  the process is killed (a write is made by half first). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char under[PATH_MAX];
static char mode;
static long fatal, seen;

void faults_arm(const char *folder, char how, long at) {
    snprintf(under, sizeof under, "%s/", folder);
    mode = how, fatal = at, seen = 0;
}

long faults_seen(void) { return seen; }

static int concerns(const char *path) { return *under && !strncmp(path, under, strlen(under)); }

static int open_file(int file) {
    char link[64], path[PATH_MAX];
    if (!*under) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return concerns(path);
}

/* Whether the call fails; `grows` if it needs space. */
static int fails(int grows) {
    if (++seen < fatal) return 0;
    if (mode == 'k') raise(SIGKILL);
    if (mode == 'f' && !grows) return 0;
    errno = mode == 'f' ? ENOSPC : EROFS;
    return 1;
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = dlsym(RTLD_NEXT, #name)

ssize_t write(int file, const void *data, size_t size) {
    REAL(write);
    if (!open_file(file)) return real(file, data, size);
    if (mode == 'k' && seen + 1 == fatal) real(file, data, size / 2);
    return fails(1) ? -1 : real(file, data, size);
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    REAL(pwrite64);
    if (!open_file(file)) return real(file, data, size, at);
    if (mode == 'k' && seen + 1 == fatal) real(file, data, size / 2, at);
    return fails(1) ? -1 : real(file, data, size, at);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    return pwrite64(file, data, size, at);
}

int ftruncate64(int file, off64_t size) {
    REAL(ftruncate64);
    return open_file(file) && fails(1) ? -1 : real(file, size);
}

int ftruncate(int file, off_t size) { return ftruncate64(file, size); }

int fsync(int file) {
    REAL(fsync);
    return open_file(file) && fails(1) ? -1 : real(file);
}

int rename(const char *from, const char *to) {
    REAL(rename);
    return concerns(to) && fails(0) ? -1 : real(from, to);
}

int unlink(const char *path) {
    REAL(unlink);
    return concerns(path) && fails(0) ? -1 : real(path);
}

int mkdir(const char *path, mode_t bits) {
    REAL(mkdir);
    return concerns(path) && fails(1) ? -1 : real(path, bits);
}

#define OPEN(name)                                                        \
    int name(const char *path, int flags, ...) {                          \
        REAL(name);                                                       \
        va_list rest;                                                     \
        va_start(rest, flags);                                            \
        int bits = flags & O_CREAT ? va_arg(rest, int) : 0;               \
        va_end(rest);                                                     \
        int changes = flags & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR);    \
        return changes && concerns(path) && fails(1) ? -1 : real(path, flags, bits); \
    }
OPEN(open)
OPEN(open64)
