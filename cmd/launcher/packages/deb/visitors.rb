# frozen_string_literal: true

# Asks an application at a unix socket all the time: visitors.rb SOCKET FOLDER
# It writes how many requests were answered to FOLDER/answered, and what was wrong with others to FOLDER/failed, until FOLDER/enough
# is there.

require "socket"

VISITORS = 4
path, folder = ARGV

def ask(path)
  socket = UNIXSocket.new(path)
  socket.write("GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
  response = socket.read
  response.start_with?("HTTP/1.1 200 ") && response.end_with?("hello") ? nil : "answered #{response.inspect}"
rescue SystemCallError, IOError => e
  "#{e.class}: #{e.message}"
ensure
  socket&.close
end

answered = 0
lock = Mutex.new
visitors = Array.new(VISITORS) do
  Thread.new do
    until File.exist?("#{folder}/enough")
      wrong = ask(path)
      lock.synchronize do
        if wrong
          File.open("#{folder}/failed", "a") { |file| file.puts(wrong) }
        else
          answered += 1
          File.write("#{folder}/answered.new", answered.to_s)
          File.rename("#{folder}/answered.new", "#{folder}/answered")
        end
      end
      sleep(0.01)
    end
  end
end
visitors.each(&:join)
