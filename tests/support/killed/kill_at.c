/* Ends the process by SIGKILL just before the n-th call that changes a disk, once `kill_at(n)` was called.
 *
 * Preloaded, so that it counts what Python, SQLite and FFmpeg really ask the kernel for. 0 never kills;
 * `calls_made()` tells how many there were. Standard output and error do not count.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long armed, made, wanted;

void kill_at(long n) {
  atomic_store(&made, 0);
  atomic_store(&wanted, n);
  atomic_store(&armed, 1);
}

long calls_made(void) { return atomic_load(&made); }

static void count(void) {
  if (atomic_load(&armed) && atomic_fetch_add(&made, 1) + 1 == atomic_load(&wanted)) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
}

#define ON_PATH(result, name, parameters, arguments)   \
  result name parameters {                             \
    static result(*real) parameters;                   \
    if (!real) real = dlsym(RTLD_NEXT, #name);         \
    count();                                           \
    return real arguments;                             \
  }

#define ON_FILE(result, name, parameters, arguments)   \
  result name parameters {                             \
    static result(*real) parameters;                   \
    if (!real) real = dlsym(RTLD_NEXT, #name);         \
    if (fd > 2) count();                               \
    return real arguments;                             \
  }

ON_FILE(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size))
ON_FILE(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
ON_FILE(ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))
ON_FILE(int, fsync, (int fd), (fd))
ON_FILE(int, fdatasync, (int fd), (fd))
ON_FILE(int, ftruncate, (int fd, off_t size), (fd, size))
ON_FILE(int, ftruncate64, (int fd, off64_t size), (fd, size))
ON_PATH(int, rename, (const char *from, const char *to), (from, to))
ON_PATH(int, unlink, (const char *path), (path))
ON_PATH(int, unlinkat, (int folder, const char *path, int flags), (folder, path, flags))
ON_PATH(int, rmdir, (const char *path), (path))
ON_PATH(int, mkdir, (const char *path, mode_t mode), (path, mode))
