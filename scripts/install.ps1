<#
.SYNOPSIS
  Puts the hookferry executable of a release in place, or removes it. The twin of install.sh.
.PARAMETER Version
  This version, as in 0.1.0.
.PARAMETER Dir
  Where to; by default %LOCALAPPDATA%\Programs\hookferry.
.PARAMETER Service
  Then: hookferry service install (with -Uninstall before: hookferry service uninstall).
.PARAMETER Uninstall
  Remove it; settings and messages stay.
.PARAMETER DryRun
  Only tell what would be done.
.PARAMETER AllowInsecure
  Plain http beyond this machine, knowing what it means.
.NOTES
  HOOKFERRY_BASE_URL is the folder (https) that holds SHA256SUMS and the executables; with -Version, its
  folder vX.Y.Z does. Nothing is put in place before its SHA-256 is that of SHA256SUMS and it ran.
#>
[CmdletBinding()]
param(
  [ValidatePattern('^v?[0-9A-Za-z.+-]+$')][string] $Version,
  [string] $Dir,
  [switch] $Service,
  [switch] $Uninstall,
  [switch] $DryRun,
  [switch] $AllowInsecure
)
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
# A progress bar makes Windows PowerShell's downloads many times slower.
$ProgressPreference = 'SilentlyContinue'

# The release workflow writes its own two in here.
$releasedBase = ''
$releasedVersion = ''

function Assert-Safe([string] $base, [bool] $isInsecureAllowed) {
  if ($base -eq '') { throw 'set HOOKFERRY_BASE_URL to the folder that holds the release' }
  $url = $null
  if (-not [Uri]::TryCreate($base, [UriKind]::Absolute, [ref] $url) -or $url.Scheme -notin 'https', 'http') {
    throw "HOOKFERRY_BASE_URL ${base}: use a URL with https:"
  }
  # A sum that came over a line anybody can write on proves nothing.
  if ($url.Scheme -eq 'http' -and -not $url.IsLoopback -and -not $isInsecureAllowed) {
    throw "HOOKFERRY_BASE_URL $base is plain http: use https, or -AllowInsecure"
  }
}

function Get-Target {
  if ($PSVersionTable.PSVersion.Major -ge 6 -and -not $IsWindows) { throw 'this is not Windows: use install.sh' }
  # Windows on ARM runs x64 programs.
  if (-not [Environment]::Is64BitOperatingSystem) { throw 'there is no executable for a 32-bit Windows' }
  'windows-x64'
}

function Save-File([string] $url, [string] $file) {
  try { Invoke-WebRequest -UseBasicParsing -Uri $url -OutFile $file -TimeoutSec 600 }
  catch { throw "$url cannot be downloaded, nothing was installed: $($_.Exception.Message)" }
}

function Remove-Program([string] $file) {
  if (-not (Test-Path -LiteralPath $file)) { throw "there is no $file" }
  if ($DryRun) {
    if ($Service) { "would run $file service uninstall" }
    "would remove $file"
    return
  }
  if ($Service) {
    & $file service uninstall
    if ($LASTEXITCODE -ne 0) { throw "the service is still there, and so is $file" }
  }
  Remove-Item -LiteralPath $file
  "removed $file"
}

function Install-Program([string] $base, [string] $version, [string] $file) {
  Assert-Safe $base $AllowInsecure
  $name = "hookferry-$(Get-Target).exe"
  $from = $base.TrimEnd('/')
  if ($version -ne '') { $from = "$from/v$version" }
  if ($DryRun) {
    "would download $from/SHA256SUMS and $from/$name"
    "would put $file in place when the sum is right and it runs"
    if ($Service) { "would run $file service install" }
    return
  }
  $folder = Split-Path -Parent $file
  New-Item -ItemType Directory -Force -Path $folder | Out-Null
  # What an earlier run could not remove, as the program was running.
  Get-ChildItem -Force -Path $folder -Filter '.hookferry.*' -Directory | Remove-Item -Recurse -Force -ErrorAction SilentlyContinue
  # In the same folder, so that the last step is a rename.
  $temporary = Join-Path $folder ('.hookferry.' + [Guid]::NewGuid().ToString('N'))
  New-Item -ItemType Directory -Path $temporary | Out-Null
  try {
    $sums = Join-Path $temporary 'SHA256SUMS'
    $new = Join-Path $temporary $name
    Save-File "$from/SHA256SUMS" $sums
    $line = Get-Content -LiteralPath $sums | Where-Object { $_ -cmatch "^[0-9a-f]{64} [ *]$([regex]::Escape($name))`$" }
    if (@($line).Count -ne 1) { throw "the release at $from has no $name" }
    $wanted = @($line)[0].Substring(0, 64)
    Save-File "$from/$name" $new
    $found = (Get-FileHash -Algorithm SHA256 -LiteralPath $new).Hash.ToLowerInvariant()
    if ($found -cne $wanted) {
      throw "$from/$name is not what its release says, nothing was installed`n  SHA-256 in SHA256SUMS  $wanted`n  SHA-256 of the file    $found"
    }
    $about = & $new version
    if ($LASTEXITCODE -ne 0) { throw "$name does not run here, nothing was installed" }
    if ($version -ne '' -and -not "$about".StartsWith("hookferry $version ")) {
      throw "$from/$name says it is ""$about"", nothing was installed"
    }
    # A running program can be renamed, not overwritten.
    if (Test-Path -LiteralPath $file) { Move-Item -LiteralPath $file -Destination "$temporary\old.exe" }
    try { Move-Item -LiteralPath $new -Destination $file }
    catch {
      if (Test-Path -LiteralPath "$temporary\old.exe") { Move-Item -LiteralPath "$temporary\old.exe" -Destination $file }
      throw
    }
    "installed ${file}: $about"
  }
  finally { Remove-Item -Recurse -Force -LiteralPath $temporary -ErrorAction SilentlyContinue }
  if (($env:Path -split ';') -notcontains $folder) { "$folder is not in PATH; for this shell: `$env:Path += ';$folder'" }
  if ($Service) {
    & $file service install
    if ($LASTEXITCODE -ne 0) { throw 'the program is installed, the service is not' }
  }
}

try {
  $base = if ($env:HOOKFERRY_BASE_URL) { $env:HOOKFERRY_BASE_URL } else { $releasedBase }
  $wantedVersion = if ($Version) { $Version -replace '^v', '' } elseif ($env:HOOKFERRY_BASE_URL) { '' } else { $releasedVersion }
  $folder = if ($Dir) { $Dir } else { Join-Path $env:LOCALAPPDATA 'Programs\hookferry' }
  # What PowerShell calls here, .NET may not.
  $folder = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($folder)
  $file = Join-Path $folder 'hookferry.exe'
  if ($Uninstall) { Remove-Program $file } else { Install-Program $base $wantedVersion $file }
}
catch {
  [Console]::Error.WriteLine("install.ps1: $($_.Exception.Message)")
  exit 1
}
