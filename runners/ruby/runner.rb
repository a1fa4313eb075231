# frozen_string_literal: true

# The program inside a Ruby sandbox. It loads one action's code and runs its activations, one at a time, as OpenWhisk's
# Ruby runtime does. It shares its process with user code, so the host trusts nothing that comes from here: the runner
# guards against accidents, not attacks.
#
#   ready > init > init-ok | init-error, then run > result, again and again
#
# The host may send the next runs early, as long as they need not wait. An answer says `late` when more than PATIENCE
# seconds passed since its run was sent, or since the answer before it if the run was sent early. Runs that were sent
# before the host can have seen a late answer are void: the host runs them elsewhere. The runner announces that it
# begins an early run before it does.
#
# The channel is fd 3: frames of a 4-byte big-endian length and that many bytes of UTF-8 JSON. Both log streams get a
# sentinel before each answer. Code folder: the first argument (default /fn). It starts without RubyGems, which takes as
# long to load as Ruby itself.

require 'json'

module Ward
  # The code can't be an action, or a value can't be a result. The text is for the caller.
  class Refusal < StandardError; end

  CHANNEL_FD = 3
  HEADER_BYTES = 4
  SENTINEL = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX'
  PATIENCE = 0.020
  ENTRY_FILE = 'main.rb'
  # The folder of the gems is named after the version of Ruby's C interface.
  GEMS = "vendor/bundle/ruby/#{RUBY_VERSION[/\A\d+\.\d+/]}.0"
  # The host takes no deeper JSON.
  MAX_DEPTH = 490

  # Takes requests until the host closes the channel.
  class Runner
    def initialize(folder)
      @folder = folder
      @channel = IO.for_fd(CHANNEL_FD, 'r+b')
      @channel.sync = @channel.close_on_exec = true
      @answers = @valid_from = 0
      @answered_at = now
      [$stdout, $stderr].each { |stream| stream.sync = true }
    end

    def serve
      say('{"type":"ready"}')
      while (request = receive)
        if request['type'] == 'init' then init(request)
        elsif request.fetch('after', @valid_from) >= @valid_from then run(request)
        end
      end
      exit!(0)
    end

    private

    def init(request)
      set_environment(request['env'])
      load_code(request['binary'])
      @main = main_of(request['main'])
    rescue Refusal => e
      refuse_init(e, text_of(e))
    rescue SyntaxError => e
      refuse_init(e, "Invalid Ruby Code: failed to parse the input code: #{text_of(e)}")
    rescue Exception => e
      refuse_init(e, "#{e.class}: #{text_of(e)}")
    else
      end_logs('init')
      say('{"type":"init-ok"}')
    end

    def refuse_init(error, text)
      log_error(error)
      end_logs('init')
      say(%({"type":"init-error","error":#{quote(text)}}))
    end

    def load_code(is_zip)
      entry = File.join(@folder, ENTRY_FILE)
      if is_zip
        raise Refusal, 'Invalid Ruby Code: zipped actions must contain main.rb at the root.' unless File.file?(entry)

        Dir.chdir(@folder)
        use_gems(File.join(@folder, GEMS))
      end
      $LOAD_PATH.unshift(@folder)
      $PROGRAM_NAME = entry
      Kernel.load(entry)
    end

    def main_of(name)
      TOPLEVEL_BINDING.receiver.method(name)
    rescue NameError
      raise Refusal, "Could not find method '#{name}'."
    end

    # Finds the gems that `bundle install` has put into the zip, as usual and without a Gemfile.
    def use_gems(folder)
      return unless File.directory?(folder)

      require 'rubygems'
      Gem.use_paths(folder, [folder, Gem.default_dir])
    end

    # An exception becomes a result too: an application error.
    def run(request)
      begun_at = begin_run(request)
      begin
        set_environment(request['env'])
        result = @main.call(request['value'])
      rescue Exception => e
        log_error(e)
        result = { 'error' => text_of(e) }
      end
      json = result_json(result)
      @answered_at = now
      answer(request['id'], json, @answered_at - begun_at > PATIENCE)
    rescue Refusal => e
      refuse(request['id'], e.message)
    end

    # The latest time at which the host's clock for this run can have started.
    def begin_run(request)
      unless request['early']
        waited = Process.clock_gettime(Process::CLOCK_REALTIME) - (request['sent'] / 1000.0)
        return now - [waited, 0].max
      end
      say(%({"type":"begun","id":#{quote(request['id'])}}))
      @answered_at
    end

    def answer(id, json, is_late)
      @answers += 1
      void_early_runs if is_late
      end_logs(id)
      say(%({"type":"result"#{',"late":true' if is_late},"id":#{quote(id)},"ok":true,"value":#{json}}))
    end

    # Voids the runs that were sent early: the host discards the sandbox after such an answer.
    def refuse(id, error)
      @answers += 1
      void_early_runs
      end_logs(id)
      say(%({"type":"result","late":true,"id":#{quote(id)},"ok":false,"error":#{quote(error)}}))
    end

    # Does nothing if the action allows concurrency: then no run is sent early, and the host expects each to be done.
    def void_early_runs
      @valid_from = @answers unless ENV['__OW_ALLOW_CONCURRENT'] == 'true'
    end

    def result_json(result)
      json = JSON.generate(result, max_nesting: MAX_DEPTH)
    rescue Exception => e
      raise Refusal, "The action returned a value that can't be turned into JSON: #{text_of(e)}"
    else
      return json if json.start_with?('{', '[')

      raise Refusal, 'The action did not return a dictionary or array.'
    end

    # Sets values as OpenWhisk does: strings as they are, false values as empty, objects as JSON.
    def set_environment(env)
      env.each do |name, value|
        ENV[name] = case value
                    when String then value
                    when nil, false, 0, 0.0 then ''
                    else JSON.generate(value)
                    end
      end
    end

    # Logs the stack from the user's code on; below it are the runner's frames.
    def log_error(error)
      return $stderr.puts("Error during initialization: #{error.message}") if error.is_a?(Refusal)

      error.set_backtrace(error.backtrace.to_a.grep_v(/\A#{Regexp.escape(__FILE__)}:/))
      $stderr.puts(error.full_message(highlight: false, order: :top))
    rescue Exception
      nil # The error's own methods failed.
    end

    def text_of(error)
      error.message.to_s
    rescue Exception
      error.class.name
    end

    # Flushes streams that user code can have replaced or closed.
    def end_logs(id)
      [$stdout, $stderr, STDOUT, STDERR].each do |stream|
        stream.flush
      rescue StandardError
        nil
      end
      [1, 2].each { |fd| IO.for_fd(fd, 'w', autoclose: false).syswrite("#{SENTINEL} #{id}\n") }
    rescue SystemCallError
      nil # A log whose reader is gone must not fail the activation.
    end

    # The text as a JSON string; what UTF-8 can't encode becomes a question mark.
    def quote(text)
      JSON.generate(text.dup.force_encoding(Encoding::UTF_8).scrub('?'))
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end

    def receive
      header = @channel.read(HEADER_BYTES)
      return if header.nil? || header.bytesize < HEADER_BYTES

      JSON.parse(@channel.read(header.unpack1('N')).force_encoding(Encoding::UTF_8), max_nesting: 0)
    end

    def say(json)
      @channel.write([json.bytesize].pack('N') + json.b)
    end
  end
end

# Loads RubyGems when the code uses it.
autoload :Gem, 'rubygems'

Ward::Runner.new(ARGV.empty? ? '/fn' : ARGV[0]).serve
