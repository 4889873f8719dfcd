/** Completion scripts: each asks `berth __complete` for the words that fit, so they never need to change. */
export const completionScripts: Readonly<Record<string, string>> = {
  bash: `# bash completion for berth: source <(berth completion bash)
_berth() {
  local words line word current prefix
  # The words of the line up to the cursor: bash itself would cut them at colons and equals signs.
  read -ra words <<< "\${COMP_LINE:0:COMP_POINT}"
  [[ \${COMP_LINE:COMP_POINT-1:1} == [[:space:]] ]] && words+=("")
  current=\${words[-1]}
  prefix=\${current%"\${current##*[:=]}"}
  COMPREPLY=()
  while IFS= read -r line; do
    word=\${line%%$'\\t'*}
    if [[ $word == :file ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "\${current#"$prefix"}")
      return
    fi
    COMPREPLY+=("\${word#"$prefix"}")
  done < <(berth __complete -- "\${words[@]:1}" 2>/dev/null)
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *[=:] ]] && compopt -o nospace
}
complete -F _berth berth
`,
  zsh: `#compdef berth
# zsh completion for berth: berth completion zsh > "\${fpath[1]}/_berth"
_berth() {
  local -a lines described
  local line
  lines=("\${(@f)$(berth __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ \${lines[1]%%$'\\t'*} == ":file" ]]; then _files; return; fi
  for line in $lines; do
    [[ -n $line ]] && described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe 'berth' described
}
compdef _berth berth
`,
  fish: `# fish completion for berth: berth completion fish > ~/.config/fish/completions/berth.fish
function __berth_complete
  set -l words (commandline -opc)[2..-1] (commandline -ct)
  set -l lines (berth __complete -- $words 2>/dev/null)
  if string match -q ':file*' -- "$lines[1]"
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $lines
  end
end
complete -c berth -f -a '(__berth_complete)'
`,
};
