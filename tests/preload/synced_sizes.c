/* Notes how much of each file its disk has been told to keep, so that a test can take away the rest.
 *
 * Put before a server with LD_PRELOAD. SYNCED_SIZES names a file of slots, zeros in the beginning: inode and size in
 * bytes, 64 bits each. It is shared memory, not written to: what is noted outlives SIGKILL, costs no system call and
 * needs no room on a disk that is full.
 *
 * A size is noted after fsync or fdatasync has succeeded, and it is the one that the file had before the call: what
 * another thread wrote meanwhile may not be on the disk. What a call that never returned did is not counted.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOTS = 256 };

struct slot {
    _Atomic uint64_t inode; /* 0: free */
    _Atomic uint64_t size;
};

static struct slot *slots;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("SYNCED_SIZES");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *memory = mmap(NULL, sizeof(struct slot) * SLOTS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    slots = memory == MAP_FAILED ? NULL : memory;
    close(fd);
}

/* The slot of a file; NULL if it has none and `make` is 0. More files than slots: a test that proves nothing. */
static struct slot *slot_of(uint64_t inode, int make) {
    for (int number = 0; slots && number < SLOTS; number++) {
        uint64_t has = atomic_load(&slots[number].inode);
        if (has == 0 && !make)
            return NULL;
        if (has == 0 && atomic_compare_exchange_strong(&slots[number].inode, &has, inode))
            return &slots[number];
        if (has == inode)
            return &slots[number];
    }
    if (slots && make)
        abort();
    return NULL;
}

static void has_synced(uint64_t inode, uint64_t size) {
    struct slot *slot = slot_of(inode, 1);
    uint64_t had = slot ? atomic_load(&slot->size) : size;
    while (had < size && !atomic_compare_exchange_weak(&slot->size, &had, size)) {
    }
}

static void has_cut(uint64_t inode, uint64_t size) {
    struct slot *slot = slot_of(inode, 0);
    uint64_t had = slot ? atomic_load(&slot->size) : 0;
    while (had > size && !atomic_compare_exchange_weak(&slot->size, &had, size)) {
    }
}

static int synced(const char *name, int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    struct stat before;
    int is_file = fstat(fd, &before) == 0 && S_ISREG(before.st_mode);
    int answer = real(fd);
    if (answer == 0 && is_file)
        has_synced(before.st_ino, (uint64_t)before.st_size);
    return answer;
}

int fsync(int fd) { return synced("fsync", fd); }
int fdatasync(int fd) { return synced("fdatasync", fd); }

static int cut_open(const char *name, int fd, off_t length) {
    int (*real)(int, off_t) = (int (*)(int, off_t))dlsym(RTLD_NEXT, name);
    struct stat now;
    int answer = real(fd, length);
    if (answer == 0 && fstat(fd, &now) == 0)
        has_cut(now.st_ino, (uint64_t)length);
    return answer;
}

static int cut_named(const char *name, const char *path, off_t length) {
    int (*real)(const char *, off_t) = (int (*)(const char *, off_t))dlsym(RTLD_NEXT, name);
    struct stat now;
    int answer = real(path, length);
    if (answer == 0 && stat(path, &now) == 0)
        has_cut(now.st_ino, (uint64_t)length);
    return answer;
}

int ftruncate(int fd, off_t length) { return cut_open("ftruncate", fd, length); }
int ftruncate64(int fd, off_t length) { return cut_open("ftruncate64", fd, length); }
int truncate(const char *path, off_t length) { return cut_named("truncate", path, length); }
int truncate64(const char *path, off_t length) { return cut_named("truncate64", path, length); }
