# frozen_string_literal: true

require_relative "finding"

module PreforkLauncher
  # Examines the allocator of this Ruby, and the kernel's huge pages: both decide what a worker
  # copies when it writes.
  class MachineCheck
    HUGE_PAGES = "/sys/kernel/mm/transparent_hugepage/enabled"
    ALLOCATORS = { "jemalloc" => /jemalloc/, "tcmalloc" => /tcmalloc/, "mimalloc" => /mimalloc/ }.freeze
    TUNED = /(?:\A|:)glibc\.malloc\.arena_max=(?:0x)?0*1(?::|\z)/.freeze

    def initialize(context, maps: "/proc/self/maps", status: "/proc/self/status", huge_pages: HUGE_PAGES)
      @context = context
      @maps = maps
      @status = status
      @huge_pages = huge_pages
    end

    def findings
      [allocator, arenas, huge_pages].compact
    end

    private

    def files
      @files ||= File.foreach(@maps, mode: "rb").filter_map { |line| line[%r{ (/.*)$}n, 1] }.uniq.map { |path| File.basename(path) }
    end

    def foreign
      ALLOCATORS.each { |name, pattern| return name if files.any? { |file| pattern.match?(file) } }
      files.any? { |file| file.start_with?("ld-musl") } ? "musl" : nil
    end

    def allocator
      name = foreign
      return unless name

      severity = name == "musl" ? "cost" : "note"
      Finding.new(severity, "allocator", "the allocator is #{name}'s, not glibc's",
                  cost: "requests are served on a thread of their own, because glibc gives that one an arena of its own and the holes in " \
                        "the preloader's heap stay shared; that gain was measured with glibc alone",
                  advice: "measure it with this allocator and without: launcher experiment")
    end

    def arenas
      setting = "MALLOC_ARENA_MAX=1" if ENV["MALLOC_ARENA_MAX"].to_s.strip.match?(/\A0*1\z/)
      setting ||= "GLIBC_TUNABLES=#{ENV['GLIBC_TUNABLES']}" if TUNED.match?(ENV["GLIBC_TUNABLES"].to_s)
      return if setting.nil? || foreign

      Finding.new("cost", "allocator", "#{setting} leaves one heap to all threads",
                  cost: "what a worker allocates fills the holes in the preloader's heap, and each page that it touches there is copied",
                  advice: "unset it for the launcher, or set it to 2")
    end

    def huge_pages
      return unless File.read(@huge_pages).include?("[always]")
      return unless File.read(@status, mode: "rb").match?(/^THP_enabled:\s*1/n) # PR_SET_THP_DISABLE

      Finding.new("cost", "huge pages", "transparent huge pages are always on",
                  cost: "a worker that writes one byte may copy or get 2 MiB for it, where 4 KiB would do",
                  advice: "echo madvise > #{HUGE_PAGES}, or transparent_hugepage=madvise on the kernel's command line")
    rescue Errno::ENOENT
      nil # a kernel without them
    end
  end
end
